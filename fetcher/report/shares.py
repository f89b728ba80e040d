"""The rows of a report's tables, as plain data, and how they are made of counts.

Pure. Every text that comes from a row or the manifest passes `plain`, so that nothing in it acts on
a terminal or turns the page's text around; HTML is escaped by the template.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from fetcher.humanize import escaped, shortened
from fetcher.report.aggregate import MANY_HOPS, Count
from fetcher.report.sketches import Bounded, LogHistogram

_MOST_CHARS: Final = 200
_NAME_CHARS: Final = 80

# Under each phase, what it measures: see timings_ms of a row.
_MEANINGS: Final = {
    "dns": "looking the name up",
    "connect": "until the connection stood; new connections only",
    "tls": "until TLS stood, connecting included; new connections only",
    "first_byte": "until the answer began, all of the last hop before it included",
    "total": "the whole fetch with all its hops, where there was an answer",
    "no answer": "the whole fetch, where no answer came",
}


class Share(msgspec.Struct, frozen=True):
    """One of several parts of the rows; `share` is 0 to 1."""

    name: str
    rows: int
    share: float
    failed: int = 0
    body_bytes: int | None = None  # None: no body came


class Quantiles(msgspec.Struct, frozen=True):
    """How values (milliseconds or bytes) are spread; the quantiles are those of LogHistogram."""

    name: str
    meaning: str
    number: int
    mean: float
    median: float
    p90: float
    p99: float
    highest: float


def plain(text: str, most: int = _MOST_CHARS) -> str:
    """At most `most` characters, with those that cannot be seen escaped."""
    return escaped(shortened(text, most))


def share(name: str, rows: int, whole: int) -> Share:
    """These rows as a part of `whole`."""
    return Share(name, rows, rows / whole if whole else 0.0)


def most_frequent(table: Bounded[str, Count], most: int, whole: int) -> list[Share]:
    """The most frequent names, and all others as one."""
    found = [
        Share(plain(name, _NAME_CHARS), of.rows, of.rows / whole, of.failed, body_bytes(of))
        for name, of in table.top("rows", most)
    ]
    rest = whole - sum(each.rows for each in found)
    return [*found, Share("all others", rest, rest / whole)] if rest else found


def by_number(counts: Counter[int], whole: int) -> list[Share]:
    """Rows by a small number, such as that of their attempts."""
    return [
        share(f"{number} or more" if number == MANY_HOPS else str(number), rows, whole)
        for number, rows in sorted(counts.items())
        if rows
    ]


def body_bytes(count: Count) -> int | None:
    """The bytes of all bodies; None where no body came."""
    return count.body_bytes if count.bodies else None


def quantiles(name: str, values: LogHistogram) -> Quantiles:
    """Return the quantiles and the mean of at least one value."""
    mean = values.mean
    median, p90, p99 = (values.quantile(part) for part in (0.5, 0.9, 0.99))
    assert mean is not None and median is not None and p90 is not None and p99 is not None
    meaning = _MEANINGS.get(name, "")
    return Quantiles(name, meaning, values.number, mean, median, p90, p99, values.highest)
