"""A job seen by its files: what the manifest, the journal and the newest committed rows say.

Nothing is estimated here except the number of URL lines while the input is still counted. What only
a ventilator knows (hosts, workers, leases) stays unknown. A look costs the same at any job size.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Final

from fetcher.commit.rate import Rate, recent
from fetcher.errors import DamageError
from fetcher.store import journal, manifest
from fetcher.store.journal import JournalSummary
from fetcher.store.manifest import Manifest
from fetcher.store.reader import no_job
from fetcher.watch.crawl_view import view_of
from fetcher.watch.job_view import JobView
from fetcher.watch.recent_failures import RecentFailures
from fetcher.watch.status import estimated_lines, state_of
from fetcher.watch.terminal.view import View

_MARKS: Final = 60
_SETTLED_S: Final = 3.0  # after the first look; until then the rate is that of the journal's marks


class FilesView:
    """Looks at one OUT again and again. Raises UsageError, DamageError."""

    def __init__(self, out: Path) -> None:
        found = manifest.read(out) if out.is_dir() else None
        if found is None:
            raise no_job(out)
        self.title = f"{found.input.name} in {out}"
        self._out = out
        self._journal = out / manifest.JOURNAL_NAME
        self._failures = RecentFailures(out, found)
        self._rate = Rate()
        self._began = time.monotonic()

    def look(self) -> View:
        """The job now."""
        found = manifest.read(self._out)
        if found is None or not self._journal.exists():
            raise DamageError(
                f"{self._journal}: is missing, so the rows cannot be proven; "
                "restore a backup of OUT"
            )
        seen = journal.summary(self._journal, _MARKS)
        self._rate.add(time.monotonic(), seen.totals.rows)
        updated_s = seen.updated_at_s
        return View(
            title=self.title,
            job=self._job(found, seen),
            average_per_s=seen.work.per_s if seen.work else None,
            committed_s_ago=max(time.time() - updated_s, 0.0) if updated_s else None,
            rates=_rates(seen.marks),
        )

    def _job(self, found: Manifest, seen: JournalSummary) -> JobView:
        state, rows = state_of(found, self._out), seen.totals.rows
        total, is_exact = _url_lines(found, seen)
        per_s = self._rate_now(seen) if state == "running" else None
        return JobView(
            job=found.job,
            phase=state,
            rows=rows,
            url_lines=total,
            url_lines_exact=is_exact,
            rate_per_s=per_s,
            left_s=max(total - rows, 0) / per_s if per_s and total is not None else None,
            # Only the ventilator knows whose turns the job waits for.
            left_is_least=bool(found.settings.get("polite", {}).get("enabled")),
            totals=seen.totals,
            crawl=None if seen.crawl is None else view_of(seen.crawl.totals),
            failed_lines=self._failures.look(seen.segments),
        )

    def _rate_now(self, seen: JournalSummary) -> float | None:
        if time.monotonic() - self._began > _SETTLED_S:
            return self._rate.per_s()
        return recent(seen.marks, seen.totals.rows, time.time())


def _url_lines(found: Manifest, seen: JournalSummary) -> tuple[int | None, bool]:
    """The URL lines of this sink, and whether the number is exact; None: not known yet."""
    if found.share_url_lines is not None:
        return found.share_url_lines, True
    if found.crawl is not None:
        return None, False
    return estimated_lines(seen.source, 1, found.share.of)


def _rates(marks: list[tuple[int, int]]) -> tuple[float, ...]:
    """Lines per second between each two of the journal's marks (Unix time, rows)."""
    pairs = itertools.pairwise(marks)
    return tuple((b - a) / (t - s) for (s, a), (t, b) in pairs if t > s)
