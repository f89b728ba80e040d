"""The order of a slot on its standard input."""

from __future__ import annotations

import os

import pytest

from fetcher.engines import slot_order
from fetcher.engines.slot_order import DRAIN, SlotOrder
from fetcher.errors import UsageError

ORDER = SlotOrder({"job": "j", "number": 1}, "secret", 7, ("/a", "/b"))


def read(data: bytes) -> tuple[SlotOrder, bytes]:
    """The order, and what is left in the pipe."""
    ours, theirs = os.pipe()
    try:
        os.write(theirs, data)
        os.close(theirs)
        return slot_order.read(ours), os.read(ours, 100)
    finally:
        os.close(ours)


def test_an_order_is_read_and_not_a_byte_more() -> None:
    assert read(slot_order.encode(ORDER) + DRAIN) == (ORDER, DRAIN)


@pytest.mark.parametrize("data", [b"", b'{"ticket": {}}'])
def test_an_input_without_an_order_says_who_starts_slots(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"no ticket came; `fetcher run --engine` starts slots"):
        read(data)


@pytest.mark.parametrize("data", [b"\n", b"text\n", b'{"ticket": 1}\n'])
def test_a_malformed_order_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="the slot's ticket is malformed"):
        read(data)


def test_an_order_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_order, "_MOST_BYTES", 10)
    with pytest.raises(UsageError, match="no ticket came"):
        read(b"x" * 100)


def test_an_order_does_not_show_what_it_holds() -> None:
    assert repr(ORDER) == "SlotOrder(…)"
