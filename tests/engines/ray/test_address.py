"""The settings name the Ray, or the environment does; without both, it is a local one."""

from __future__ import annotations

import pytest

from fetcher.engines.ray.address import address_of
from fetcher.settings.schema import Engine, Settings


@pytest.mark.parametrize(
    ("setting", "variable", "address"),
    [
        ("10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.1:6379"),
        ("", "10.0.0.2:6379", "10.0.0.2:6379"),
        ("local", "10.0.0.2:6379", ""),
        ("", "local", ""),
        ("", "", ""),
    ],
)
def test_the_first_address_that_is_given_counts(
    monkeypatch: pytest.MonkeyPatch, setting: str, variable: str, address: str
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", variable)
    assert address_of(Settings(engine=Engine(name="ray", address=setting))) == address
