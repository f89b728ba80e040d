"""Reads the `timeout` of a call of requests as its stock adapter does.

What the stock adapter refuses is refused with the same exception and text. A timeout may only
shorten the limits of [http].
"""

from __future__ import annotations

from typing import Any, NamedTuple

from urllib3 import Timeout


class Limits(NamedTuple):
    """The caller's limits for one exchange; None: only the settings count."""

    connect_s: float | None = None
    read_s: float | None = None  # between two pieces of the answer


def limits_of(timeout: Any) -> Limits:
    """The limits of this `timeout`. Raises ValueError."""
    given = _given(timeout)
    # With a total, read_timeout is the rest of it after the connection began.
    counted = given.clone()
    counted.start_connect()
    return Limits(
        Timeout.resolve_default_timeout(counted.connect_timeout),
        Timeout.resolve_default_timeout(counted.read_timeout),
    )


def _given(timeout: Any) -> Timeout:
    if isinstance(timeout, Timeout):
        return timeout
    if not isinstance(timeout, tuple):
        return Timeout(connect=timeout, read=timeout)
    try:
        connect, read = timeout
        return Timeout(connect=connect, read=read)
    except ValueError as error:
        raise ValueError(
            f"Invalid timeout {timeout}. Pass a (connect, read) timeout tuple, "
            f"or a single float to set both timeouts to the same value."
        ) from error
