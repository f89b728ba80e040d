"""The tickets of one driver are numbered, and no two slots have the same name."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from fetcher.engines import ticket
from fetcher.engines.addresses import Addresses, Pair
from fetcher.engines.secrets import Way
from fetcher.engines.slot_queues import SlotQueue
from fetcher.engines.tickets import Tickets
from fetcher.settings.schema import Settings

PAIR = Pair("tcp://h:1", "tcp://h:4")
ADDRESSES = Addresses(Pair("tcp://0:1", "tcp://0:4"), PAIR, PAIR, "h:1")
ENGINE = {"name": "celery", "slot_s": 100.0, "start_s": 60.0, "secret": "0123456789abcdef"}


QUEUE = SlotQueue("fetcher", 5)


def tickets(patience_s: float = 0.0) -> Tickets:
    settings = msgspec.convert({"engine": ENGINE, "worker": {"patience_s": patience_s}}, Settings)
    return Tickets(
        *(settings, "s1", ADDRESSES, Way("file", Path("/f")), {"sink": "k"}),
        {"http.total_timeout_s": 7.0, "worker.routes": ["absent"]},
    )


def test_tickets_are_numbered_from_1_over_all_calls() -> None:
    made = tickets()
    plain = [*made.make("job", QUEUE, 2), *made.make("job", QUEUE, 3)]
    found = [ticket.from_plain(each) for each in plain]
    assert [each.number for each in found] == [1, 2, 3, 4, 5]
    assert len({each.slot for each in found}) == 5
    assert all(each.slot.startswith("s1-") for each in found)
    assert {each.job for each in found} == {"job"}
    assert tickets().make("job", QUEUE, 0) == []


def test_a_ticket_says_where_workers_connect_and_how_they_get_their_key() -> None:
    (plain,) = tickets().make("job", QUEUE, 1)
    found = ticket.from_plain(plain)
    assert (found.ventilator, found.sinks) == ("tcp://h:1", ("tcp://h:4",))
    assert (found.key, found.servers) == ("celery", {"sink": "k"})
    assert (found.secrets_from, found.secrets_file) == ("file", "/f")
    assert found.settings == {"http.total_timeout_s": 7.0, "worker.routes": ["absent"]}
    ticket.require_signed(found, "0123456789abcdef")


def test_a_ticket_names_its_queue_and_the_routes_that_its_slot_serves() -> None:
    (plain,) = tickets().make("job", SlotQueue("europe", 1, ("eu", "uk")), 1)
    found = ticket.from_plain(plain)
    assert found.queue == "europe"
    assert found.settings == {"http.total_timeout_s": 7.0, "worker.routes": ["eu", "uk"]}


def test_a_slot_has_a_part_of_its_time_and_must_begin_soon() -> None:
    before = time.time()
    found = [ticket.from_plain(each) for each in tickets().make("job", QUEUE, 20)]
    assert all(75.0 <= each.slot_s <= 100.0 for each in found)
    assert len({each.slot_s for each in found}) == 20
    assert all(before + 60.0 <= each.expires_at <= time.time() + 60.0 for each in found)


@pytest.mark.parametrize(("given_s", "used_s"), [(0.0, 30.0), (7.0, 7.0)])
def test_a_slot_always_has_a_limit_on_its_patience(given_s: float, used_s: float) -> None:
    (plain,) = tickets(given_s).make("job", QUEUE, 1)
    assert ticket.from_plain(plain).patience_s == used_s
