"""Tickets of slots: what they hold, and which are refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from fetcher import __version__
from fetcher.engines import ticket
from fetcher.engines.ticket import Ticket
from fetcher.errors import UsageError
from fetcher.settings import load
from fetcher.settings.schema import Settings

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


def test_the_routes_of_the_job_s_workers_travel_and_their_default_leaves_them_to_the_host() -> None:
    assert ticket.settings_of(given())[0] == {}
    public, _ = ticket.settings_of(given(worker={"routes": ["eu", "default"]}))
    assert public == {"worker.routes": ["eu", "default"]}
    sent = ticket.from_plain(
        json.loads(json.dumps(ticket.to_plain(msgspec.structs.replace(PLAIN, settings=public), "")))
    )
    arguments = {key: (value, "the ticket") for key, value in sent.settings.items()}
    assert load.load(arguments=arguments).settings.worker.routes == ("eu", "default")


def test_a_ticket_of_another_version_says_so() -> None:
    plain = ticket.to_plain(PLAIN, "") | {"version": "0.0.1", "new": 1}
    with pytest.raises(UsageError, match=r"ticket was made by fetcher 0\.0\.1, and this host has"):
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
