"""Adds rows up, in one pass, to all sums that a report needs.

Pure (no file, clock or output), and bounded in memory: a report of 10^7 rows takes as much as one
of 10^5, but for 4 bytes a line of a crawl. The texts of a row (URLs, errors, types) are untrusted.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from fetcher.error_kinds import KINDS
from fetcher.frontier.totals import MAX_DEPTHS
from fetcher.model import Outcome
from fetcher.report.discovery import Discovery
from fetcher.report.sketches import Bounded, LogHistogram
from fetcher.report.timeline import Timeline
from fetcher.web_urls import host_of

_MOST_HOSTS: Final = 5_000  # kept for each of three rankings
_MOST_GROUPS: Final = 500
_MOST_NAMES: Final = 500
_EXAMPLES: Final = 3
_KEY_CHARS: Final = 300  # of a host, an error, a type
_LAST_YEAR_S: Final = 4_102_444_800  # 2100; later times are not times
_UNKNOWN: Final = "(unknown)"  # all kinds that this version does not have
MANY_HOPS: Final = 20

PHASES: Final = ("dns", "connect", "tls", "first_byte")
# Rows of these without an answer were refused before anything was sent.
_REFUSED: Final = frozenset({Outcome.INVALID_URL, Outcome.BLOCKED, Outcome.ROBOTS})
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)*")
_ADDRESS: Final = re.compile(r"\bhttps?://\S+|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}\b", re.I)


class RowTimings(msgspec.Struct):
    """See fetcher.model.Timings."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class Row(msgspec.Struct):
    """The fields of a row that a report needs; see fetcher.model.Result."""

    line: int
    url: str
    outcome: Outcome
    status: int | None = None
    redirects: tuple[msgspec.Raw, ...] = ()
    error: str | None = None
    error_kind: str | None = None
    content_type: str | None = None
    body_bytes: int | None = None
    wire_bytes: int | None = None
    attempts: int = 1
    started_at: float | None = None
    timings_ms: RowTimings | None = None
    http_version: str | None = None
    worker: str = ""
    depth: int | None = None  # only in a crawl
    found_on: int | None = msgspec.field(name="from", default=None)
    unchanged: bool = False  # only in a refresh


class Count:
    """The rows of one name, and the bodies among them with their bytes."""

    __slots__ = ("bodies", "body_bytes", "failed", "rows")

    def __init__(self) -> None:
        self.rows = self.failed = self.bodies = self.body_bytes = 0


class Host(Count):
    """The rows of one host, and the times of those that were timed."""

    __slots__ = ("longest_ms", "timed", "took_ms")

    def __init__(self) -> None:
        super().__init__()
        self.timed = 0
        self.took_ms = self.longest_ms = 0.0


class Example(msgspec.Struct, frozen=True):
    """A row as an example of its group."""

    line: int
    url: str
    error: str


class Failing(NamedTuple):
    """The outcome and kind of failed rows."""

    outcome: Outcome
    kind: str  # "": the rows name none

    @property
    def name(self) -> str:
        return f"{self.outcome.value} {self.kind}".rstrip()


class ErrorGroup:
    """Rows that failed alike; `same`: all of them have the same text."""

    __slots__ = ("examples", "rows", "same")

    def __init__(self) -> None:
        self.rows = 0
        self.same = True
        self.examples: list[Example] = []


class Aggregate:
    """All sums of a report."""

    def __init__(self, crawl_lines: int = 0) -> None:
        """`crawl_lines`: of the log of a crawl; 0: the job is a list."""
        self.rows = 0
        self.failed = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.statuses: Counter[int] = Counter()  # without rows that have none
        self.answered = 0  # rows with a status
        self.attempts: Counter[int] = Counter()
        self.retried = 0  # rows with more than one attempt
        self.saved_by_retry = 0  # rows that were ok after a further attempt
        self.hops: Counter[int] = Counter()  # MANY_HOPS and more count as that many
        self.body_bytes = 0
        self.wire_bytes = 0
        self.unchanged = 0  # rows of a refresh with the body of the earlier job
        self.sizes = LogHistogram()  # of decoded bodies
        self.phases_ms = {name: LogHistogram() for name in PHASES}
        self.total_ms = LogHistogram()  # of rows with a status
        self.unanswered_ms = LogHistogram()  # of rows that were sent and have none
        self.timeline = Timeline()
        self.depths: dict[int, Count] = {}  # of a crawl; deep ones together
        self._discovery = Discovery(crawl_lines) if crawl_lines else None
        self.untimed = 0
        self.first_s: float | None = None
        self.last_s: float | None = None
        self.hosts = Bounded[str, Host](_MOST_HOSTS, Host, "rows", "failed", "took_ms")
        self.kinds: Counter[Failing] = Counter()
        self.errors = Bounded[tuple[Failing, str], ErrorGroup](_MOST_GROUPS, ErrorGroup, "rows")
        self.types = Bounded[str, Count](_MOST_NAMES, Count, "rows")
        self.versions = Bounded[str, Count](_MOST_NAMES, Count, "rows")
        self.workers = Bounded[str, Count](_MOST_NAMES, Count, "rows")

    def add(self, row: Row) -> None:
        """Count one row."""
        failed = row.outcome is not Outcome.OK
        body_bytes = row.body_bytes or 0
        self.rows += 1
        self.failed += failed
        self.outcomes[row.outcome] += 1
        self.attempts[row.attempts] += 1
        self.body_bytes += body_bytes
        self.wire_bytes += row.wire_bytes or 0
        self.unchanged += row.unchanged
        if row.attempts > 1:
            self.retried += 1
            self.saved_by_retry += not failed
        if row.status is not None:
            self.answered += 1
            self.statuses[row.status] += 1
            self.hops[min(len(row.redirects), MANY_HOPS)] += 1
            _count(self.types[_type(row.content_type)], row, failed)
            _count(self.versions[row.http_version or "unknown"], row, failed)
        if row.body_bytes is not None:
            self.sizes.add(body_bytes)
        _count(self.workers[row.worker or "unknown"], row, failed)
        is_url = row.outcome is not Outcome.INVALID_URL
        host = host_of(row.url)[:_KEY_CHARS] if is_url else ""
        took_ms = self._time(row, failed)
        if row.depth is not None:
            depth = min(row.depth, MAX_DEPTHS)
            _count(self.depths.setdefault(depth, Count()), row, failed)
        if host:
            self._add_host(host, row, took_ms, failed)
        if failed:
            self._add_error(row, host)

    def _time(self, row: Row, failed: bool) -> float | None:
        """Count the row's times; returns its total time in milliseconds, where it was measured."""
        timings = row.timings_ms
        took_ms = None
        if timings is not None and was_sent(row):
            phases = self.phases_ms
            if timings.dns is not None:
                phases["dns"].add(timings.dns)
            if timings.connect is not None:
                phases["connect"].add(timings.connect)
            if timings.tls is not None:
                phases["tls"].add(timings.tls)
            if timings.first_byte is not None:
                phases["first_byte"].add(timings.first_byte)
            took_ms = timings.total
            if row.status is None and not took_ms:
                took_ms = None  # given up between two attempts, whose times are not known
            if took_ms is not None:
                (self.unanswered_ms if row.status is None else self.total_ms).add(took_ms)
        began_s = row.started_at
        if began_s is None or not 0 < began_s < _LAST_YEAR_S:
            self.untimed += 1
            return took_ms
        ended_s = began_s + (took_ms or 0.0) / 1000
        if self.first_s is None or began_s < self.first_s:
            self.first_s = began_s
        if self.last_s is None or ended_s > self.last_s:
            self.last_s = ended_s
        bin_ = self.timeline.at(ended_s)
        bin_.rows += 1
        bin_.failed += failed
        bin_.body_bytes += row.body_bytes or 0
        if took_ms is not None and row.status is not None:
            bin_.latency_ms.add(took_ms)
        self._discover(row, began_s, ended_s)
        return took_ms

    def _discover(self, row: Row, began_s: float, ended_s: float) -> None:
        """Count the line of a crawl when it was found."""
        if self._discovery is None:
            return
        found_s = self._discovery.found_at_s(row.line, row.found_on, began_s, ended_s)
        if found_s is not None:
            self.timeline.at(found_s).found += 1

    def _add_host(self, name: str, row: Row, took_ms: float | None, failed: bool) -> None:
        host = self.hosts[name]
        _count(host, row, failed)
        if took_ms is not None:
            host.timed += 1
            host.took_ms += took_ms
            host.longest_ms = max(host.longest_ms, took_ms)

    def _add_error(self, row: Row, host: str) -> None:
        text = (row.error or "no reason given")[:_KEY_CHARS]
        key = text if row.outcome is Outcome.HTTP_ERROR else pattern(text, host)
        failing = Failing(row.outcome, _kind(row))
        self.kinds[failing] += 1
        group = self.errors[failing, key]
        group.rows += 1
        if len(group.examples) < _EXAMPLES:
            group.examples.append(Example(row.line, row.url[:_KEY_CHARS], text))
        if group.same and text != group.examples[0].error:
            group.same = False


def was_sent(row: Row) -> bool:
    """Whether a request was tried for the row, so that its times mean something."""
    return row.attempts > 0 and (row.status is not None or row.outcome not in _REFUSED)


def _kind(row: Row) -> str:
    """The row's kind of error, where we know it: a row may hold any text there."""
    if row.error_kind is None:
        return ""
    return row.error_kind if row.error_kind in KINDS[row.outcome] else _UNKNOWN


def _count(of: Count, row: Row, failed: bool) -> None:
    of.rows += 1
    of.failed += failed
    if row.body_bytes is not None:
        of.bodies += 1
        of.body_bytes += row.body_bytes


def pattern(error: str, host: str) -> str:
    """An error without the parts that differ from row to row: host, URLs, addresses, numbers."""
    if host:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name in error:
            error = error.replace(name, "HOST")
    return _pattern(error)


@lru_cache(maxsize=4096)
def _pattern(error: str) -> str:
    return _NUMBER.sub("N", _ADDRESS.sub("ADDRESS", error))


@lru_cache(maxsize=4096)
def _type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()[:_KEY_CHARS] or "none given"
