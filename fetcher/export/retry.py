"""Prepares a retry: chooses lines of a job by their rows, and records the choice in a new OUT.

The lines are read from the same URL file as before, and as the first job read them. The choice is
made once, before the retry begins, and never changes: an interrupted retry resumes with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from fetcher.errors import ConflictError
from fetcher.export import crawl_retry
from fetcher.export.choose import wanted_lines
from fetcher.export.first_job import (
    input_of,
    name_of,
    refuse_urlfile,
    require_other_directory,
    require_same_lines,
    require_same_settings,
    with_input,
    with_robots,
)
from fetcher.export.merged import Merged
from fetcher.input.selection import Selection, Wanted
from fetcher.input.source import Source
from fetcher.model import Outcome
from fetcher.protocol.totals import in_order
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings
from fetcher.store import manifest, reader
from fetcher.store.begun import require_as_begun
from fetcher.store.lock import DirectoryLock
from fetcher.store.manifest import SPOOL_NAME
from fetcher.store.reader import Part
from fetcher.store.selection import keep


class PreparedRetry(NamedTuple):
    """The job to run."""

    urlfile: Path
    settings: Settings  # with the input settings of the first job
    selection: Selection
    input_name: str  # "": the name of the URL file
    is_of_crawl: bool = False  # its lines are those of a crawl's log


class RetryRequest(NamedTuple):
    """Which rows of which job are to be fetched again."""

    parents: Sequence[Path]  # the OUT of each of the job's sinks
    wanted: Wanted
    urlfile: Path | None = None  # None: where the job found it
    partial: bool = False  # accept a job that has not ended


def prepare(out: Path, request: RetryRequest, given: Loaded) -> PreparedRetry:
    """Choose the lines and record them in the new OUT, or resume.

    If no row matches, no line is chosen: the job is complete at once, so that a command that
    merges its OUT with that of the first job works. Raises UsageError, InputError, ConflictError,
    DamageError, NoSpaceError.
    """
    require_other_directory(out, request.parents, "retry")
    reader.read_all(request.parents)  # raises ConflictError unless they belong to one job
    merged = Merged(request.parents, partial=request.partial)
    first = merged.first
    require_same_settings(first, given, lambda key: key.startswith("input."))
    settings = with_input(with_robots(first.manifest, given), first.manifest)
    selection = _resumed(out, first, request.wanted)
    is_of_crawl = first.manifest.crawl is not None
    if is_of_crawl:
        refuse_urlfile(request.urlfile)
        urlfile = crawl_retry.log_copy(out, first) if selection is None else out / SPOOL_NAME
    else:
        urlfile = request.urlfile or input_of(first)
    if selection is None:
        source = Source(urlfile, settings.input)
        if not is_of_crawl:
            require_same_lines(first, source)
        selection = _choose(out, merged, request.wanted)
    require_as_begun(out, urlfile, given)
    return PreparedRetry(urlfile, settings, selection, _name_of(first, urlfile), is_of_crawl)


def _name_of(first: Part, urlfile: Path) -> str:
    """The name of the lines for people; "": that of their file."""
    if first.manifest.crawl is not None:
        return f"the log of {first.out.resolve().name}"
    return name_of(first.manifest, urlfile)


def unmatched(parents: Sequence[Path]) -> dict[str, int]:
    """The rows of a job that are not ok, by outcome, where none of them was chosen."""
    counts: Counter[str] = Counter()
    for part in reader.read_all(parents):
        counts.update(part.view.recovered.totals.outcomes)
    del counts[Outcome.OK]
    return in_order(counts)


def _resumed(out: Path, first: Part, wanted: Wanted) -> Selection | None:
    """The choice of the retry that was begun in OUT; None if none was."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None:
        return None
    begun = found.selection
    if begun is None or begun.parent_job != first.manifest.job:
        what = f"a retry of {begun.parent}" if begun else "a run of its own"
        raise ConflictError(f"{out} is {what}, not a retry of {first.out}; choose another -o")
    if begun.wanted != wanted:
        empty = "" if begun.lines else ", and no row matched, so it may be removed"
        raise ConflictError(
            f"{out} was begun with {begun.wanted}{empty}; resume it with these, or choose "
            "another -o"
        )
    return begun


def _choose(out: Path, merged: Merged, wanted: Wanted) -> Selection:
    """Choose the lines and write them to OUT."""
    indexes = wanted_lines(merged, wanted)
    manifest.prepare(out)
    with DirectoryLock(out):
        # Another process may have begun or ended a retry while this one waited for the lock.
        return _resumed(out, merged.first, wanted) or keep(out, indexes, merged.parts, wanted)
