"""A job seen by its files: the journal's sums, and the newest of its committed rows.

Law: a look costs the same at any job size. Of many new rows only the first are read, and what is
said of hosts and workers is then made up to all; the sums are always the journal's.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from fetcher.commit.rate import Rate, recent
from fetcher.errors import DamageError, UsageError
from fetcher.model import Outcome, Result
from fetcher.protocol.bounds import MAX_LOADS, MAX_MISHAPS
from fetcher.protocol.messages import FailedLine
from fetcher.protocol.samples import Failures, failed_line, host_of
from fetcher.rows.forms import CODECS
from fetcher.store import journal, manifest, reader
from fetcher.store.journal import JournalSummary
from fetcher.store.lock import is_locked
from fetcher.store.manifest import Manifest
from fetcher.store.reader import Segment
from fetcher.watch.terminal.view import HostRow, View, WorkerRow

_MOST_ROWS: Final = 2_000  # read at one look
_MOST_BYTES: Final = 4 * 1024 * 1024
_FIRST_BYTES: Final = 256 * 1024  # of what was there before the first look
_MARKS: Final = 60
_SAMPLES: Final = 10  # looks that hosts and workers are told of
_SETTLED_S: Final = 3.0  # until the rate is our own


class Sample(msgspec.Struct, frozen=True):
    """What one look has found in the new rows, made up to all of them."""

    at_s: float  # monotonic
    hosts: dict[str, float]
    workers: dict[str, float]


class Tail:
    """The newest rows of one OUT."""

    def __init__(self, out: Path, found: Manifest) -> None:
        self._out = out
        self._output = found.output
        self._decode = CODECS[found.output.rows].decode
        self._place: tuple[str, int] | None = None  # file and byte: behind what was looked at
        self._rows = 0
        self._failures = Failures()
        self.samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self.mishaps: deque[FailedLine] = deque(maxlen=MAX_MISHAPS)

    def look(self, seen: JournalSummary, now: float) -> None:
        """Read some of what is new since the last look."""
        segments = reader.segments_of(self._out, seen.segments, self._output)
        if not segments:
            return
        newest = segments[-1]
        hosts: Counter[str] = Counter()
        workers: Counter[str] = Counter()
        for result in self._read(newest):
            workers[result.worker] += 1
            if result.outcome is not Outcome.OK:
                self.mishaps.append(failed_line(result))
            if result.outcome is Outcome.INVALID_URL:
                continue  # it is of no host
            host = host_of(result.final_url or result.url)
            hosts[host] += 1
            if result.outcome is not Outcome.OK:
                self._failures.add(host)
        new, read = seen.totals.rows - self._rows, workers.total()
        # Before the first look there is no time that these rows could have taken.
        up = new / read if read and self._rows else 1.0
        self._rows = seen.totals.rows
        self._place = (newest.path.name, newest.committed_bytes)
        scaled = [{k: up * n for k, n in counts.items()} for counts in (hosts, workers)]
        self.samples.append(Sample(now, *scaled))

    def _read(self, newest: Segment) -> Iterator[Result]:
        start, is_cut = self._start(newest)
        given = reader.rows(newest, start) if start < newest.committed_bytes else iter(())
        size = 0
        for row in itertools.islice(given, 1 if is_cut else 0, _MOST_ROWS):
            size += len(row)
            if size > _MOST_BYTES:
                return
            try:
                yield self._decode(row)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise DamageError(
                    f"{newest.path}: holds a damaged row ({error}); `fetcher verify` says more"
                ) from error

    def _start(self, newest: Segment) -> tuple[int, bool]:
        """Where to read from, and whether that may be within a row."""
        if self._place is not None:
            name, end = self._place
            return (end if name == newest.path.name else 0), False
        before = max(newest.committed_bytes - _FIRST_BYTES, 0)
        if self._output.rows == "jsonl" and self._output.compression == "none":
            return before, before > 0
        return (newest.committed_bytes if before else 0), False  # others begin at a commit only

    def hosts(self) -> list[HostRow]:
        """Those of the newest rows, and how many lines of each."""
        lines: Counter[str] = Counter()
        for sample in self.samples:
            lines.update(sample.hosts)
        return [
            HostRow(host, self._failures.of(host), lines=round(count))
            for host, count in lines.most_common(MAX_LOADS)
        ]

    def workers(self) -> list[WorkerRow]:
        """Their rates, by name."""
        first, last = self.samples[0].at_s, self.samples[-1].at_s
        lines: Counter[str] = Counter()
        for sample in itertools.islice(self.samples, 1, None):
            lines.update(sample.workers)
        names = lines.keys() | self.samples[0].workers.keys()
        took_s = last - first
        return [WorkerRow(name, lines[name] / took_s if took_s else 0.0) for name in sorted(names)]


class Files:
    """Looks at an OUT again and again. Raises UsageError, DamageError."""

    def __init__(self, out: Path) -> None:
        found = manifest.read(out) if out.is_dir() else None
        if found is None:
            raise UsageError(f"{out}: no job was begun here ({manifest.MANIFEST_NAME} is missing)")
        self.name = found.input.name
        self._out = out
        self._journal = out / manifest.JOURNAL_NAME
        self._tail = Tail(out, found)
        self._rate = Rate()
        self._began = time.monotonic()
        self._is_first = True

    def look(self) -> View:
        now = time.monotonic()
        found = manifest.read(self._out)
        if found is None or not self._journal.exists():
            raise DamageError(
                f"{self._journal}: is missing, so the rows cannot be proven; "
                "restore a backup of OUT"
            )
        seen = journal.summary(self._journal, _MARKS)
        phase = _phase(found, self._out)
        self._rate.add(now, seen.totals.rows)
        self._tail.look(seen, now)
        total, exact = _url_lines(found, seen)
        per_s = self._rate_now(seen, now) if phase == "running" else None
        first, self._is_first = self._is_first, False
        updated = seen.updated_at_s
        return View(
            title=f"{found.input.name} in {self._out}",
            phase=phase,
            trouble="",
            rows=seen.totals.rows,
            url_lines=total,
            url_lines_exact=exact,
            rate_per_s=per_s,
            average_per_s=seen.work.per_s if seen.work else None,
            left_s=max(total - seen.totals.rows, 0) / per_s
            if per_s and total is not None
            else None,
            # Whose turns the job waits for is known to its ventilator alone.
            left_is_least=bool(found.settings.get("polite", {}).get("enabled")),
            totals=seen.totals,
            hosts=self._tail.hosts(),
            workers=self._tail.workers() if self._tail.samples else [],
            unlisted=0,
            mishaps=list(self._tail.mishaps),
            committed_s_ago=max(time.time() - updated, 0.0) if updated else None,
            rates=_rates(seen.marks) if first else (),
        )

    def _rate_now(self, seen: JournalSummary, now: float) -> float | None:
        if now - self._began > _SETTLED_S:
            return self._rate.per_s()
        return recent(seen.marks, seen.totals.rows, time.time())


def _phase(found: Manifest, out: Path) -> str:
    if found.state == "complete":
        return "complete"
    return "running" if is_locked(out) else "stopped"


def _url_lines(found: Manifest, seen: JournalSummary) -> tuple[int | None, bool]:
    if found.share_url_lines is not None:
        return found.share_url_lines, True
    total, exact = seen.source.total()
    if total is None or found.share.of == 1:
        return total, exact
    return round(total / found.share.of), False


def _rates(marks: list[tuple[int, int]]) -> tuple[float, ...]:
    pairs = itertools.pairwise(marks)
    return tuple((b - a) / (t - s) for (s, a), (t, b) in pairs if t > s)
