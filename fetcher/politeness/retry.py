"""Decides whether a failed attempt is repeated, and when.

Pure; chance is an argument from 0 to 1. Waits double, and are spread over their upper half, so that
lines that failed together do not come back together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC
from typing import Final

from fetcher.model import Outcome
from fetcher.settings.schema import Polite, Retry

# A second request of these methods does no harm (RFC 9110, 9.2.2).
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_MAX_DOUBLINGS: Final = 30
_MAX_DIGITS: Final = 9
_OVERLOADED: Final = frozenset({429, 503})


def backoff_s(
    rules: Retry, attempt: int, method: str, outcome: Outcome, status: int | None, dice: float
) -> float | None:
    """Seconds to wait after the `attempt`-th attempt (from 1); None where it was the last."""
    if attempt >= rules.attempts:
        return None
    if method not in IDEMPOTENT and rules.methods != "all":
        return None
    if outcome.value not in rules.outcomes and not (
        outcome is Outcome.HTTP_ERROR and status in rules.statuses
    ):
        return None
    longest: float = min(
        rules.backoff_s * 2 ** min(attempt - 1, _MAX_DOUBLINGS), rules.backoff_max_s
    )
    return longest * (0.5 + dice / 2)


def retry_after_s(value: str, now_unix: float) -> float | None:
    """Seconds that a Retry-After asks to wait; None if it cannot be read."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _MAX_DIGITS else math.inf
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 (takes time to load)

    try:
        at = parsedate_to_datetime(text)
        return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_unix)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def rest_s(
    polite: Polite, status: int, headers: Iterable[tuple[str, str]], now_s: float
) -> float | None:
    """How long an overloaded server wants no requests, in seconds; None for other servers.

    `now_s`: Unix time.
    """
    if status not in _OVERLOADED:
        return None
    asked = next((value for name, value in headers if name.lower() == "retry-after"), "")
    found_s = retry_after_s(asked, now_s)
    return min(polite.rest_s if found_s is None else found_s, polite.retry_after_max_s)
