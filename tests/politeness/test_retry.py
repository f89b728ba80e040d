"""Which attempts are repeated, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.model import Outcome
from fetcher.politeness import retry
from fetcher.settings.schema import Retry

RULES = Retry(attempts=3, backoff_s=1.0, backoff_max_s=5.0)


@pytest.mark.parametrize(
    ("outcome", "status", "again"),
    [
        (Outcome.CONNECT, None, True),
        (Outcome.TIMEOUT, 200, True),
        (Outcome.DNS, None, False),
        (Outcome.TLS, None, False),
        (Outcome.TOO_LARGE, 200, False),
        (Outcome.BLOCKED, None, False),
        (Outcome.HTTP_ERROR, 503, True),
        (Outcome.HTTP_ERROR, 429, True),
        (Outcome.HTTP_ERROR, 404, False),
        (Outcome.HTTP_ERROR, 500, False),
        (Outcome.TOO_LARGE, 503, False),
    ],
)
def test_what_may_pass_is_tried_again(outcome: Outcome, status: int | None, again: bool) -> None:
    assert (retry.backoff_s(RULES, 1, "GET", outcome, status, 0.5) is not None) is again


def test_the_last_attempt_is_the_last() -> None:
    waits = [retry.backoff_s(RULES, n, "GET", Outcome.CONNECT, None, 1.0) for n in (1, 2, 3, 4)]
    assert waits == [1.0, 2.0, None, None]


@pytest.mark.parametrize("method", ["POST", "PATCH", "FROBNICATE"])
def test_what_might_be_done_twice_is_sent_once(method: str) -> None:
    assert retry.backoff_s(RULES, 1, method, Outcome.CONNECT, None, 0.5) is None
    daring = Retry(methods="all")
    assert retry.backoff_s(daring, 1, method, Outcome.CONNECT, None, 0.5) is not None


@given(attempt=st.integers(1, 10_000), dice=st.floats(0, 1))
def test_waits_double_up_to_their_cap_and_are_spread_over_their_upper_half(
    attempt: int, dice: float
) -> None:
    rules = Retry(attempts=100, backoff_s=1.0, backoff_max_s=60.0)
    wait = retry.backoff_s(rules, attempt, "GET", Outcome.CONNECT, None, dice)
    if attempt >= 100:
        assert wait is None
    else:
        longest = min(2.0 ** (attempt - 1), 60.0)
        assert wait is not None
        assert longest / 2 <= wait <= longest


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("9" * 400, float("inf")),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("٣", None),
        ("Thu, 99 Foo 1970 00:00:00 GMT", None),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry.retry_after_s(value, 100.0) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_raises(value: str) -> None:
    found = retry.retry_after_s(value, 100.0)
    assert found is None or found >= 0
