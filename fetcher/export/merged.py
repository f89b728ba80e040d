"""The rows of an OUT, or of several of one input as if they were one: a line's latest row counts.

Law: one look at each journal at the start says what there is; nothing beyond it is read. Several
are read from the last to the first, with a bit for each line that was there: memory is flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from fetcher.core.masks import IdSet
from fetcher.encode import jsonl
from fetcher.encode.rows import CODECS
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.model import Result
from fetcher.store import rows
from fetcher.store.journal import JournalView
from fetcher.store.manifest import Manifest


class Row(NamedTuple):
    """A committed row, and its bytes as they are in OUT."""

    result: Result
    raw: bytes


class Opened(NamedTuple):
    """One OUT, as it was when it was looked at."""

    path: Path
    manifest: Manifest
    view: JournalView


class Merged:
    """OUTs in the order of their making. Raises UsageError, ConflictError, DamageError."""

    def __init__(self, outs: Sequence[Path], *, partial: bool) -> None:
        """With `partial`, also what is committed of a run that has not ended."""
        self.outs = [Opened(out, *rows.read_both(out)) for out in outs]
        if not partial:
            for each in self.outs:
                _require_complete(each)
        if len(self.outs) > 1:
            _require_one_input(self.outs)
        self.replaced = 0  # rows that a later one stands for, of what `rows` has given so far

    @property
    def first(self) -> Opened:
        """The one that began with the input."""
        return self.outs[0]

    def rows(self) -> Iterator[Row]:
        """Each line's row once, part by part; of several OUTs, the last one's first."""
        if len(self.outs) == 1:
            yield from _rows(self.first)
            return
        seen = IdSet()
        for each in reversed(self.outs):
            is_oldest = each is self.first
            for row in _rows(each):
                line = row.result.line
                if line in seen:
                    self.replaced += 1
                    continue
                if not is_oldest:
                    seen.add(line)
                yield row


def _rows(of: Opened) -> Iterator[Row]:
    last = rows.lines_known(of.manifest, of.view)
    codec = CODECS[of.manifest.output.rows]
    for segment in rows.segments(of.path, of.manifest, of.view):
        position = 0
        for raw in rows.rows(segment):
            try:
                result = codec.decode(raw)
                if not 1 <= result.line <= last:
                    raise ValueError(f"there was no line {result.line}")
            except (msgspec.MsgspecError, ValueError) as error:
                raise DamageError(
                    f"{segment.path}, byte {position}: is no row ({error}); "
                    f"`fetcher verify {of.path}` says more"
                ) from error
            # Whatever the rows of OUT are: `raw` is a line of JSON.
            yield Row(result, raw if codec is CODECS["jsonl"] else jsonl.encode(result))
            position += len(raw)


def _require_complete(of: Opened) -> None:
    if of.manifest.state != "complete":
        total, exact = of.view.source.total()
        known = "" if total is None else f" of {'' if exact else 'about '}{total:,}"
        raise UsageError(
            f"{of.path}: the run has not ended ({of.view.recovered.totals.rows:,}{known} lines "
            "have their row); resume it, or take what is there with --partial"
        )


def _require_one_input(outs: Sequence[Opened]) -> None:
    first = outs[0].manifest.input
    for number, each in enumerate(outs):
        facts = each.manifest.input
        if facts.sha256 is None:
            raise UsageError(f"{each.path}: its input was not read to the end yet; resume it first")
        if (facts.sha256, facts.format) != (first.sha256, first.format):
            raise ConflictError(
                f"{each.path} is not of the input that {outs[0].path} is of "
                f"({facts.name}, {first.name}): their lines cannot be merged"
            )
        parent = each.manifest.selection and each.manifest.selection.parent_job
        for later in outs[number + 1 :]:
            if later.manifest.job in (parent, each.manifest.job):
                raise UsageError(
                    f"{later.path}: name it before {each.path}, which retries it"
                    if parent == later.manifest.job
                    else f"{later.path}: is named twice"
                )
