"""The driver says what is wrong with the broker, and which setting names it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("celery")

from fetcher.engines.celery import driver
from fetcher.engines.celery.driver import CeleryEngine
from fetcher.engines.interface import EngineError
from fetcher.errors import ConfigError
from fetcher.settings.schema import Settings
from support import brokers

_NOBODY = "redis://:secret@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    monkeypatch.setitem(sys.modules, "pymongo", None)  # it is not installed


def _engine(address: str) -> CeleryEngine:
    settings = {"engine": {"name": "celery", "address": address}}
    return CeleryEngine(msgspec.convert(settings, Settings))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:6379",
        "redis://127.0.0.1:port/0",
        "nosuch://user:secret@127.0.0.1/0",
        "mongodb://user:secret@127.0.0.1:1",
    ],
)
def test_what_is_no_url_of_a_broker_is_refused_at_once(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^engine.address = .*redis://HOST:6379/0") as caught:
        _engine(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/name", "sentinel://127.0.0.1:1"])
def test_what_the_broker_s_library_refuses_is_an_error_of_the_setting(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^engine.address = .*redis://HOST:6379/0"):
        _engine(address).count()


def test_the_setting_that_names_the_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match=r"127.0.0.1:1/0 \(engine.address\) cannot be used"):
        _engine(_NOBODY).count()
    monkeypatch.setenv("CELERY_BROKER_URL", _NOBODY)
    with pytest.raises(EngineError, match=r"127.0.0.1:1/0 \(CELERY_BROKER_URL\) cannot") as caught:
        _engine("").count()
    assert "secret" not in str(caught.value)


def test_a_user_who_names_no_broker_reads_so() -> None:
    named_by = _engine("")._named_by
    assert named_by == "Celery's default, as engine.address does not name one"


def test_slots_that_nobody_takes_do_not_fill_the_broker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A route may be unserved for days; its slots are placed again each minute."""
    monkeypatch.setattr(driver, "_MOST_WAITING", 5)
    with brokers.redis(tmp_path, os.environ) as broker:
        engine = _engine(broker.url)
        counts = []
        for session in range(4):
            tickets = [{"slot": f"{session}-{n}", "number": n, "job": "j"} for n in range(4)]
            engine.place([{**ticket, "queue": "fetcher"} for ticket in tickets], "")
            with engine._connected() as connection:
                counts.append(driver._waiting_in(connection, "fetcher"))
    assert counts == [4, 5, 6, 7]
