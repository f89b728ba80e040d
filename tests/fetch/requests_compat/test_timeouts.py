"""The timeout of a call, as the stock adapter reads it."""

from __future__ import annotations

from typing import Any

import pytest
from urllib3 import Timeout

from fetcher.fetch.requests_compat.timeouts import Limits, limits_of


@pytest.mark.parametrize(
    ("timeout", "limits"),
    [
        (None, Limits(None, None)),
        (5, Limits(5, 5)),
        (0.5, Limits(0.5, 0.5)),
        ((1, 2), Limits(1, 2)),
        ((None, 2), Limits(None, 2)),
        ((1, None), Limits(1, None)),
        (Timeout(connect=1, read=2), Limits(1, 2)),
        (Timeout(connect=9, total=3), Limits(3, pytest.approx(3, abs=0.5))),  # type: ignore[arg-type]
    ],
)
def test_a_timeout_is_two_limits(timeout: Any, limits: Limits) -> None:
    assert limits_of(timeout) == limits


@pytest.mark.parametrize("timeout", [0, -1, "x", True, (1,), (1, 2, 3), (0, 1)])
def test_a_timeout_that_requests_refuses_is_a_value_error(timeout: Any) -> None:
    with pytest.raises(ValueError, match=r"[Tt]imeout"):
        limits_of(timeout)


def test_a_tuple_of_another_length_says_what_is_expected() -> None:
    with pytest.raises(
        ValueError, match=r"Invalid timeout \(1,\)\. Pass a \(connect, read\) timeout"
    ):
        limits_of((1,))
