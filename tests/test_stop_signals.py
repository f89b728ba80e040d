"""Stop signals are held back and let through as asked, and the mask is as before afterwards."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from fetcher.stop_signals import STOP_SIGNALS, held_back, unblock


@pytest.fixture(autouse=True)
def _mask_as_before() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def blocked() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def test_a_signal_is_held_back_for_the_block_alone() -> None:
    unblock()
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append("term"))
    try:
        with held_back(signal.SIGTERM):
            signal.raise_signal(signal.SIGTERM)
            assert came == []
        assert came == ["term"]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_in_the_block_restores_the_mask() -> None:
    unblock()
    with pytest.raises(OSError), held_back(signal.SIGINT):
        raise OSError
    assert signal.SIGINT not in blocked()


def test_a_signal_that_was_blocked_before_stays_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with held_back(signal.SIGINT):
        pass
    assert signal.SIGINT in blocked()


def test_unblock_lets_both_stop_signals_through() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {*STOP_SIGNALS, signal.SIGUSR1})
    unblock()
    assert not blocked() & set(STOP_SIGNALS)
    assert signal.SIGUSR1 in blocked()
