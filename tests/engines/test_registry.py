"""Engines by their names."""

from __future__ import annotations

import sys

import msgspec
import pytest

from fetcher.engines import registry
from fetcher.engines.command import CommandEngine
from fetcher.errors import FetcherError
from fetcher.settings.schema import Settings


def engine(name: str) -> Settings:
    return msgspec.convert({"engine": {"name": name}}, Settings)


def test_a_name_chooses_its_engine() -> None:
    assert isinstance(registry.engine_of(engine("command")), CommandEngine)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("comand", r"engine\.name = comand: unknown engine.*command"),
        ("xyzzy", r"unknown engine; there are celery, command"),
    ],
)
def test_an_unknown_name_is_refused_with_the_ones_that_there_are(name: str, said: str) -> None:
    with pytest.raises(FetcherError, match=said):
        registry.engine_of(engine(name))


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fetcher.engines.celery.driver", raising=False)
    monkeypatch.delitem(sys.modules, "fetcher.engines.celery.app", raising=False)
    monkeypatch.delitem(sys.modules, "fetcher.engines.celery", raising=False)
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(FetcherError, match=r"celery"):
        registry.engine_of(engine("celery"))


def test_an_error_in_an_engines_own_code_is_not_a_missing_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(registry.ENGINES, "mine", "no_such_module_at_all:Engine")
    with pytest.raises(ModuleNotFoundError):
        registry.engine_of(engine("mine"))
