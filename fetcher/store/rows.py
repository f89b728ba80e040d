"""What a reader may take of an OUT, also while a job writes it: manifest, journal, committed rows.

Law: one look at the journal says what is committed, and no byte beyond that is ever given out. A
row is given as its bytes; what they mean is the encoder's (fetcher.encode) that wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from fetcher.core.shares import Share
from fetcher.errors import DamageError, UsageError
from fetcher.store import journal, manifest
from fetcher.store.journal import JournalView
from fetcher.store.manifest import Manifest


class Part(NamedTuple):
    """What one sink has: its directory, manifest and journal."""

    out: Path
    manifest: Manifest
    view: JournalView


class Segment(NamedTuple):
    """One file of rows, and how much of it counts."""

    path: Path
    committed_bytes: int


def read_both(out: Path) -> tuple[Manifest, JournalView]:
    """Manifest and journal of a begun job. Raises UsageError where there is none."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None:
        raise UsageError(f"{out}: no job was begun here ({manifest.MANIFEST_NAME} is missing)")
    path = out / manifest.JOURNAL_NAME
    if not path.exists():
        raise DamageError(f"{path}: is missing; its rows are unproven")
    return found, journal.view(path)


def read_all(outs: Sequence[Path]) -> list[Part]:
    """The parts of one job, one of each sink. Raises UsageError where they are not that."""
    parts = [Part(out, *read_both(out)) for out in outs]
    first, *others = parts
    for other in others:
        if other.manifest.job != first.manifest.job:
            raise UsageError(f"{other.out} is of another job than {first.out}")
    shares = {part.manifest.share: part.out for part in parts}
    if len(shares) < len(parts):
        raise UsageError(f"{outs[-1]}: the same sink twice")
    return parts


def absent(parts: Sequence[Part]) -> list[str]:
    """The job's sinks that are not among these."""
    there = {part.manifest.share for part in parts}
    of = parts[0].manifest.share.of
    return [str(share) for i in range(of) if (share := Share(i, of)) not in there]


def url_lines_of(parts: Sequence[Part]) -> int | None:
    """The URL lines that these sinks shall have; None as long as they are not counted."""
    total = 0
    for part in parts:
        count, source = part.manifest.share_url_lines, part.view.source
        if count is None and source.at_end and part.manifest.share.of == 1:
            count = source.url_lines
        if count is None:
            return None
        total += count
    return total


def segments(out: Path, view: JournalView) -> list[Segment]:
    """The files of rows, oldest first."""
    directory = out / manifest.RESULTS_NAME
    names = sorted(view.segments, key=lambda name: (len(name), name))
    return [Segment(directory / name, view.segments[name]) for name in names]


def rows(segment: Segment) -> Iterator[bytes]:
    """Each committed row, line feed included. Raises DamageError where the file is too short."""
    path, committed = segment
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamageError(f"{path}: {error.strerror}, and rows of it were committed") from error
    if size < committed:
        raise DamageError(f"{path}: {committed} bytes were committed, but only {size} are there")
    with path.open("rb") as file:
        left = committed
        while left > 0:
            row = file.readline(left)
            if not row:
                raise DamageError(f"{path}: became shorter while it was read")
            left -= len(row)
            yield row


def lines_known(of: Manifest, view: JournalView) -> int:
    """No committed row has a higher line than this."""
    recovered = view.recovered
    batches = [len(recovered.done.pack()) * 8, *(batch + 1 for batch in recovered.partial)]
    return max(batches) * of.batch_size


def find_input(out: Path, of: Manifest) -> Path | None:
    """The job's URL file, where it still is: spooled into OUT, or where it was."""
    for path in (out / manifest.SPOOL_NAME, Path(of.input.path)):
        if path.is_file():
            return path
    return None
