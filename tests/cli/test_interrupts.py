"""Ctrl-C and SIGTERM end a command that writes files by an exception with a message."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from fetcher.cli.interrupts import stoppable
from fetcher.errors import DamageError, StoppedError


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_the_message_of_that_moment(number: signal.Signals) -> None:
    done = 0
    with (
        pytest.raises(StoppedError, match=r"^stopped after 2$"),
        stoppable(lambda: f"stopped after {done}"),
    ):
        for done in (1, 2):  # noqa: B007
            pass
        signal.raise_signal(number)


def test_the_block_is_left_so_that_it_can_clean_up() -> None:
    cleaned = []
    with pytest.raises(StoppedError), stoppable(lambda: "stopped"):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            cleaned.append(True)
    assert cleaned == [True]


def test_other_errors_pass() -> None:
    with pytest.raises(DamageError), stoppable(lambda: "stopped"):
        raise DamageError("x")
