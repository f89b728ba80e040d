"""Reads an OUT, also while a job writes to it: manifest, journal and committed rows.

The journal is read once, and no byte beyond the lengths in it is ever returned. Rows are returned
as bytes; fetcher.rows decodes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgpack

from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.protocol.output_spec import Output
from fetcher.protocol.shard import Share
from fetcher.store import journal, manifest, zstd
from fetcher.store.agreement import require_agreement
from fetcher.store.digest import Digest
from fetcher.store.journal import JournalView
from fetcher.store.manifest import Manifest
from fetcher.store.segments import SegmentState, oldest_first, too_short

_BLOCK_BYTES: Final = 256 * 1024


class Part(NamedTuple):
    """The OUT of one sink, with its manifest and journal."""

    out: Path
    manifest: Manifest
    view: JournalView


class Segment(NamedTuple):
    """A file of rows, and its committed length."""

    path: Path
    committed_bytes: int
    output: Output
    rows: int | None = None  # committed; None: not known
    digest: bytes | None = None  # of all committed bytes; None: not known


def no_job(out: Path) -> UsageError:
    """The error for a path where no job was begun."""
    if out.is_file():
        return UsageError(f"{out} is a file; name the OUT of a job, which is a directory")
    if not out.exists():
        return UsageError(f"{out}: no such directory; name the OUT of a job")
    return UsageError(
        f"{out}: no job was begun here ({manifest.MANIFEST_NAME} is missing); name the OUT of a job"
    )


def read_part(out: Path) -> Part:
    """Read the manifest and journal of a begun job. Raises UsageError, DamageError."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None:
        raise no_job(out)
    path = out / manifest.JOURNAL_NAME
    if not path.exists():
        raise DamageError(
            f"{path}: is missing, so the rows cannot be proven; restore a backup of OUT"
        )
    view = journal.view(path)
    require_agreement(out, found, view.facts)
    return Part(out, found, view)


def read_all(outs: Sequence[Path]) -> list[Part]:
    """The parts of one job, one for each sink. Raises ConflictError if they are of several jobs."""
    parts = [read_part(out) for out in outs]
    first, *others = parts
    for other in others:
        if other.manifest.job != first.manifest.job:
            raise ConflictError(
                f"{other.out} belongs to another job than {first.out}{_if_retry(first, other)}"
            )
    shares = {part.manifest.share: part.out for part in parts}
    if len(shares) < len(parts):
        raise UsageError(f"{outs[-1]}: this sink is named twice")
    return parts


def _if_retry(one: Part, other: Part) -> str:
    """What to do if one of two jobs is a retry of the other; "" otherwise."""
    for job, retry in ((one, other), (other, one)):
        selection = retry.manifest.selection
        if selection is not None and selection.parent_job == job.manifest.job:
            return (
                f", as a retry is a job of its own: name each alone; `fetcher export {job.out} "
                f"{retry.out}` merges their rows"
            )
    return ""


def missing_sinks(parts: Sequence[Part]) -> list[str]:
    """The sinks of the job whose parts are not among these."""
    given = {part.manifest.share for part in parts}
    of = parts[0].manifest.share.of
    return [str(share) for i in range(of) if (share := Share(i, of)) not in given]


def url_lines_of(parts: Sequence[Part]) -> int | None:
    """How many URL lines these sinks must have in the end; None as long as that is not known."""
    total = 0
    for part in parts:
        count, source = part.manifest.share_url_lines, part.view.source
        is_list = part.manifest.crawl is None
        if count is None and source.at_end and part.manifest.share.of == 1 and is_list:
            count = source.url_lines
        if count is None:
            return None
        total += count
    return total


def segments(of: Part) -> list[Segment]:
    """The files of rows, oldest first."""
    return segments_in(of.out, of.view.states, of.manifest.output)


def segments_in(out: Path, states: Mapping[str, SegmentState], output: Output) -> list[Segment]:
    """The files of rows in OUT with these states, by name; oldest first."""
    lengths = {name: state.length for name, state in states.items()}
    return [
        each._replace(rows=states[each.path.name].rows, digest=states[each.path.name].digest)
        for each in segments_of(out, lengths, output)
    ]


def segments_of(out: Path, lengths: Mapping[str, int], output: Output) -> list[Segment]:
    """The files of rows in OUT with these committed lengths; without their digests."""
    directory = out / manifest.RESULTS_NAME
    names = oldest_first(name for name in lengths if "/" not in name)
    return [Segment(directory / name, lengths[name], output) for name in names]


def rows(segment: Segment, start: int = 0) -> Iterator[bytes]:
    """Each committed row, with its line feed.

    Raises DamageError if the file is too short and, after the last row, if the number of rows or
    the digest differs from what was committed. `start`: skip this many bytes, up to the end of a
    commit; then number and digest are not checked.
    """
    with Committed(segment.path, segment.committed_bytes, start) as file:
        count = 0
        for row in rows_of(file, segment):
            yield row
            count += 1
        if start:
            return
        if segment.rows not in (None, count):
            raise DamageError(
                f"{segment.path}: has {count} rows, and {segment.rows} were committed; "
                "`fetcher verify` says more"
            )
        if not file.is_as(segment.digest):
            raise DamageError(
                f"{segment.path}: its bytes are not those that were committed; "
                "`fetcher verify` says more"
            )


def rows_of(file: Committed, segment: Segment) -> Iterator[bytes]:
    """Split the bytes into rows, without a check."""
    blocks = blocks_of(file)
    if segment.output.compression == "zstd":
        blocks = zstd.unpacked(file, str(segment.path))
    return _lines(blocks) if segment.output.rows == "jsonl" else packed_values(blocks)


def blocks_of(file: Committed) -> Iterator[bytes]:
    """All committed bytes of the file."""
    return iter(lambda: file.read(_BLOCK_BYTES), b"")


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []  # the blocks of a line, which may be long
    for block in blocks:
        *whole, last = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line, b"\n"))
            begun.clear()
        begun.append(last)
    if rest := b"".join(begun):
        yield rest


def packed_values(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Split the bytes into the values of msgpack, without a check."""
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    rest, before = bytearray(), 0  # bytes of an unfinished row, and their offset
    for block in blocks:
        unpacker.feed(block)
        rest += block
        start = 0
        try:
            while True:
                unpacker.skip()
                end = unpacker.tell() - before
                yield bytes(rest[start:end])
                start = end
        except msgpack.OutOfData:
            before += start
            del rest[:start]
        except Exception:  # msgpack raises many kinds of errors for damaged bytes
            yield bytes(rest[start:])
            return
    if rest:
        yield bytes(rest)


class Committed:
    """A file that is read up to its committed length. Raises DamageError."""

    def __init__(self, path: Path, committed: int, start: int = 0) -> None:
        self._path = path
        self._digest = Digest()
        self._start = start
        self._left = committed - start

    def __enter__(self) -> Self:
        path, committed = self._path, self._start + self._left
        try:
            size = path.stat().st_size
            if size >= committed:
                self._file = path.open("rb")
                self._file.seek(self._start)
        except OSError as error:
            raise DamageError(f"{path}: {error.strerror}, and rows of it were committed") from error
        if size < committed:
            raise too_short(path, committed, size)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        data = self._file.read(size)
        if size and not data:
            raise DamageError(f"{self._path}: became shorter while it was read")
        self._left -= len(data)
        self._digest.update(data)
        return data

    def is_as(self, digest: bytes | None) -> bool:
        """Whether all committed bytes have this digest; reads the rest of them first."""
        while self._left:
            self.read(_BLOCK_BYTES)
        return digest is None or self._digest.value() == digest


class Follower:
    """Returns each committed row of a running job once, in the order of commit."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._output: Output | None = None  # None before the job has begun
        self._index = 0  # of the segment that is being read
        self._start = 0  # bytes of it that were returned

    @property
    def output(self) -> Output:
        """The form of the rows; known after the first row."""
        assert self._output is not None
        return self._output

    def new(self) -> Iterator[bytes]:
        """The rows committed since the last call; must be read to the end. Raises DamageError.

        There are none before the job has begun.
        """
        if self._output is None:
            found = manifest.read(self._out)
            if found is None:
                return
            self._output = found.output
        lengths = journal.committed(self._out / manifest.JOURNAL_NAME)
        for index, segment in enumerate(segments_of(self._out, lengths, self._output)):
            if index < self._index:
                continue
            if index > self._index:
                self._index, self._start = index, 0
            yield from rows(segment, self._start)
            self._start = segment.committed_bytes


def highest_line(part: Part) -> int:
    """An upper bound of the lines of all committed rows."""
    recovered = part.view.recovered
    batches = [len(recovered.done.pack()) * 8, *(batch + 1 for batch in recovered.partial)]
    return max(batches) * part.manifest.batch_size


def find_input(out: Path, of: Manifest) -> Path | None:
    """The job's URL file, in OUT or at its old path; None if it is not there any more."""
    named = Path(of.input.path)
    if named.name == manifest.SPOOL_NAME and (out / named.name).is_file():
        return out / named.name  # OUT may have been moved since
    return named if named.is_file() else None
