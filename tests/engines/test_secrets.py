"""The ways on which slots get the workers' key and secret settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.engines import secrets
from fetcher.engines.secrets import Secrets, Way
from fetcher.errors import ConfigError, UsageError
from fetcher.settings.schema import Engine, Settings

SHARED = "0123456789abcdef"
HEADER = "Authorization: Bearer x1y2"


@pytest.mark.parametrize(
    ("settings", "carries", "wanted"),
    [
        (
            {"secrets_dir": "/shared", "secret": SHARED},
            True,
            ("file", Path("/shared/fetcher-s.json")),
        ),
        ({"secret": SHARED}, True, ("derived", None)),
        ({"bind": "tcp://10.0.0.1:5700"}, True, ("engine", None)),
        ({}, False, ("file", Path("/private/fetcher-s.json"))),
        ({"bind": "tcp://[::1]:0"}, False, ("file", Path("/private/fetcher-s.json"))),
    ],
)
def test_the_way_of_the_key(
    settings: dict[str, Any], carries: bool, wanted: tuple[str, Path | None]
) -> None:
    found = secrets.way_of(Engine(**settings), "s", Path("/private"), carries_secrets=carries)
    assert found == wanted


def test_a_key_that_would_pass_through_a_broker_is_refused_with_the_two_remedies() -> None:
    engine = Engine(name="celery", bind="tcp://10.0.0.1:5700")
    with pytest.raises(ConfigError, match=r"FETCHER_ENGINE__SECRET.*engine\.secrets_dir"):
        secrets.way_of(engine, "s", Path("/private"), carries_secrets=False)


def test_secret_settings_that_cannot_travel_are_named_and_not_shown() -> None:
    way = Way("derived", None)
    with pytest.raises(ConfigError, match=r"http\.headers: may hold secrets") as caught:
        secrets.make(way, Engine(name="celery", secret=SHARED), "s", {"http.headers": [HEADER]})
    assert "x1y2" not in str(caught.value)


def test_secrets_of_a_file_are_for_their_owner_and_found_again(tmp_path: Path) -> None:
    made = Secrets("key", {"http.headers": [HEADER]})
    path = tmp_path / "secrets.json"
    secrets.write(path, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert secrets.find("file", str(path), "", "s", Settings()) == made
    assert "x1y2" not in repr(made)
    with pytest.raises(UsageError, match="File exists"):
        secrets.write(path, made)
    with pytest.raises(UsageError, match="No such file"):
        secrets.find("file", str(tmp_path / "other"), "", "s", Settings())


def test_carried_and_derived_secrets_are_found_again() -> None:
    made = secrets.make(Way("engine", None), Engine(), "s", {"http.headers": [HEADER]})
    assert secrets.find("engine", "", secrets.encode(made), "s", Settings()) == made
    derived = secrets.make(Way("derived", None), Engine(secret=SHARED), "s", {})
    host = msgspec.convert({"engine": {"secret": SHARED}}, Settings)
    assert secrets.find("derived", "", "", "s", host) == derived
    with pytest.raises(UsageError, match="FETCHER_ENGINE__SECRET"):
        secrets.find("derived", "", "", "s", Settings())
    with pytest.raises(UsageError, match="damaged"):
        secrets.find("engine", "", "no json", "s", Settings())
