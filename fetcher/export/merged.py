"""The rows of one or several OUTs of the same input; of each line, the latest row counts.

Each journal is read once, at the start, and nothing beyond it is read. Several OUTs are read from
the last to the first, with one bit of memory for each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from fetcher.bitset import IdSet
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.model import Result
from fetcher.rows import jsonl
from fetcher.rows.forms import CODECS
from fetcher.store import reader
from fetcher.store.reader import Part


class Row(NamedTuple):
    """A committed row."""

    result: Result
    raw: bytes  # as a line of JSON
    part: int = 0  # index of its OUT in Merged.parts


class Merged:
    """OUTs, oldest first. Raises UsageError, ConflictError, DamageError."""

    def __init__(self, outs: Sequence[Path], *, partial: bool) -> None:
        """`partial`: accept jobs that have not ended, and jobs of which some sinks are missing."""
        self.parts = [reader.read_part(out) for out in outs]
        if not partial:
            _require_complete(self.parts)
        if len(self.parts) > 1:
            _require_one_input(self.parts)
            _require_order(self.parts)
        self.replaced = 0  # rows that were left out for a later row of the same line

    @property
    def first(self) -> Part:
        """The oldest part."""
        return self.parts[0]

    def is_retry_of(self, other: Merged) -> bool:
        """Whether the first part tries lines of the other's again, or of a retry of it."""
        ours, theirs = self.first.manifest, other.first.manifest
        if ours.selection is None:
            return False
        if ours.selection.parent_job == theirs.job:
            return True
        our_list, their_list = ours.input, theirs.input
        is_same_list = (our_list.sha256, our_list.format) == (their_list.sha256, their_list.format)
        return is_same_list and theirs.selection is None

    def rows(self) -> Iterator[Row]:
        """The latest row of each line; the rows of the last OUT come first."""
        if len(self.parts) == 1:
            yield from _rows(self.first, 0)
            return
        seen = IdSet()
        for number, each in reversed(list(enumerate(self.parts))):
            is_oldest = each is self.first
            for row in _rows(each, number):
                line = row.result.line
                if line in seen:
                    self.replaced += 1
                    continue
                if not is_oldest:
                    seen.add(line)
                yield row


def _rows(of: Part, number: int) -> Iterator[Row]:
    last = reader.highest_line(of)
    codec = CODECS[of.manifest.output.rows]
    for segment in reader.segments(of):
        position = 0
        for raw in reader.rows(segment):
            try:
                result = codec.decode(raw)
                if not 1 <= result.line <= last:
                    raise ValueError(f"there was no line {result.line}")
            except (msgspec.MsgspecError, ValueError) as error:
                raise DamageError(
                    f"{segment.path}, byte {position}: is not a valid row ({error}); "
                    f"`fetcher verify {of.out}` says more"
                ) from error
            # `raw` is a line of JSON, whatever the format of the rows in OUT.
            yield Row(result, raw if codec is CODECS["jsonl"] else jsonl.encode(result), number)
            position += len(raw)


def _require_complete(parts: Sequence[Part]) -> None:
    for each in parts:
        if each.manifest.state != "complete":
            total = reader.url_lines_of([each])
            known = "" if total is None else f" of {total:,}"
            raise UsageError(
                f"{each.out}: the run has not ended ({each.view.recovered.totals.rows:,}{known} "
                "lines have their row); resume it, or take what is there with --partial"
            )
        job = each.manifest.job
        missing = reader.missing_sinks([part for part in parts if part.manifest.job == job])
        if missing:
            raise UsageError(
                f"{each.out}: has the rows of {each.manifest.share}; name the OUT of "
                f"{' and '.join(missing)} as well, or take what is there with --partial"
            )


def _require_one_input(parts: Sequence[Part]) -> None:
    first = parts[0].manifest
    inputs = {(first.input.sha256, first.input.format)}
    crawls = {part.manifest.job for part in parts if part.manifest.crawl is not None}
    for each in parts:
        facts, selection = each.manifest.input, each.manifest.selection
        if facts.sha256 is None:
            raise UsageError(f"{each.out}: its input was not read to the end yet; resume it first")
        if selection is not None and selection.parent_job in crawls:
            inputs.add((facts.sha256, facts.format))  # a copy of the crawl's log
        if each.manifest.crawl is not None and each.manifest.job != first.job:
            raise ConflictError(f"{each.out} is a crawl of its own: name it alone")
        if (facts.sha256, facts.format) not in inputs:
            raise ConflictError(
                f"{each.out} is not of the input that {parts[0].out} is of "
                f"({facts.name}, {first.input.name}): their lines cannot be merged"
            )


def _require_order(parts: Sequence[Part]) -> None:
    for number, each in enumerate(parts):
        selection = each.manifest.selection
        for later in parts[number + 1 :]:
            job, share = later.manifest.job, later.manifest.share
            if (job, share) == (each.manifest.job, each.manifest.share):
                raise UsageError(f"{later.out}: is named twice")
            if selection is not None and selection.parent_job == job:
                raise UsageError(f"{later.out}: name it before {each.out}, which retries it")
