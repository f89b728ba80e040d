"""Waits for conditions of the real world, in place of fixed sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_LOOK_AGAIN_S: Final = 0.02
_Value = TypeVar("_Value")


def wait_until(condition: Callable[[], object], within_s: float = 90, what: str = "") -> None:
    """Wait until the condition is true. Raises AssertionError after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"this did not happen in time: {what or condition}"
        time.sleep(_LOOK_AGAIN_S)


def wait_until_steady(
    value: Callable[[], _Value], for_s: float, within_s: float = 90, what: str = ""
) -> _Value:
    """Wait until the value has not changed for `for_s` seconds; returns the value."""
    last, since = value(), time.monotonic()

    def is_steady() -> bool:
        nonlocal last, since
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since >= for_s

    wait_until(is_steady, within_s, what)
    return last
