"""Tickets of slots, and the ways of their secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher import __version__
from fetcher.engines import secrets, ticket
from fetcher.engines.secrets import Secrets, Way
from fetcher.engines.ticket import Ticket
from fetcher.errors import ConfigError, UsageError
from fetcher.settings.schema import Engine, Settings

SHARED = "0123456789abcdef"
HEADER = "Authorization: Bearer x1y2"
PLAIN = Ticket(
    version=__version__,
    session="s1",
    job="j1",
    slot="s1-1",
    number=1,
    key="celery",
    servers={"ventilator": "v" * 40, "sink": "s" * 40},
    ventilator="tcp://127.0.0.1:1",
    sinks=("tcp://127.0.0.1:4",),
    settings={"http.total_timeout_s": 7.0},
    expires_at=1.0,
    slot_s=600.0,
    idle_s=30.0,
    patience_s=30.0,
    secrets_from="file",
)


def given(**sections: Any) -> Settings:
    return msgspec.convert(sections, Settings)


def test_a_ticket_survives_json() -> None:
    text = json.dumps(ticket.to_plain(PLAIN, ""))
    assert ticket.from_plain(json.loads(text)) == PLAIN


def test_a_ticket_has_the_settings_that_differ_and_no_secret() -> None:
    settings = given(
        http={"headers": [HEADER], "proxy": "http://me:x1y2@p.test:1", "total_timeout_s": 7},
        engine={"name": "celery", "address": "redis://:x1y2@r.test", "slot_s": 5},
        worker={"processes": 8, "pool_size": 9},
        monitor={"token": "x1y2" * 4},
        input={"format": "csv"},
    )
    public, secret = ticket.settings_of(settings)
    assert public == {"http.total_timeout_s": 7.0, "worker.pool_size": 9}
    assert secret == {"http.headers": [HEADER], "http.proxy": "http://me:x1y2@p.test:1"}


def test_a_ticket_of_another_version_says_so() -> None:
    plain = ticket.to_plain(PLAIN, "") | {"version": "0.0.1", "new": 1}
    with pytest.raises(UsageError, match=r"ticket is of fetcher 0\.0\.1, and here is"):
        ticket.from_plain(plain)


@pytest.mark.parametrize("change", [{"job": 1}, {"unknown": 1}, {"secrets_from": "air"}])
def test_a_malformed_ticket_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="malformed"):
        ticket.from_plain(ticket.to_plain(PLAIN, "") | change)


def test_a_host_with_a_secret_takes_only_what_was_signed_with_it() -> None:
    signed = ticket.to_plain(PLAIN, SHARED)
    ticket.require_signed(ticket.from_plain(json.loads(json.dumps(signed))), SHARED)
    ticket.require_signed(PLAIN, "")
    for change in ({"ventilator": "tcp://10.0.0.1:1"}, {"signature": ""}):
        with pytest.raises(UsageError, match=r"not signed with this host's engine\.secret"):
            ticket.require_signed(ticket.from_plain(signed | change), SHARED)


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
    host = given(engine={"secret": SHARED})
    assert secrets.find("derived", "", "", "s", host) == derived
    with pytest.raises(UsageError, match="FETCHER_ENGINE__SECRET"):
        secrets.find("derived", "", "", "s", Settings())
    with pytest.raises(UsageError, match="damaged"):
        secrets.find("engine", "", "no json", "s", Settings())
