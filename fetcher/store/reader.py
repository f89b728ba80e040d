"""What a reader may take of an OUT, also while a job writes it: manifest, journal, committed rows.

Law: one look at the journal says what is committed, and no byte beyond that is ever given out. A
row is given as its bytes; what they mean is the encoder's (fetcher.rows) that wrote them.
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
from fetcher.store.segments import SegmentState

_BLOCK_BYTES: Final = 256 * 1024


class Part(NamedTuple):
    """What one sink has: its directory, manifest and journal."""

    out: Path
    manifest: Manifest
    view: JournalView


class Segment(NamedTuple):
    """One file of rows, and how much of it counts."""

    path: Path
    committed_bytes: int
    output: Output
    rows: int | None = None  # that it must have; None: not known
    digest: bytes | None = None  # of all its bytes; None: not known


def read_both(out: Path) -> tuple[Manifest, JournalView]:
    """Manifest and journal of a begun job. Raises UsageError where there is none."""
    found = manifest.read(out) if out.is_dir() else None
    if found is None:
        raise UsageError(f"{out}: no job was begun here ({manifest.MANIFEST_NAME} is missing)")
    path = out / manifest.JOURNAL_NAME
    if not path.exists():
        raise DamageError(
            f"{path}: is missing, so the rows cannot be proven; restore a backup of OUT"
        )
    seen = journal.view(path)
    require_agreement(out, found, seen.facts)
    return found, seen


def read_all(outs: Sequence[Path]) -> list[Part]:
    """The parts of one job, one of each sink. Raises ConflictError where they are of several."""
    parts = [Part(out, *read_both(out)) for out in outs]
    first, *others = parts
    for other in others:
        if other.manifest.job != first.manifest.job:
            raise ConflictError(f"{other.out} belongs to another job than {first.out}")
    shares = {part.manifest.share: part.out for part in parts}
    if len(shares) < len(parts):
        raise UsageError(f"{outs[-1]}: this sink is named twice")
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


def segments(of: Part) -> list[Segment]:
    """The files of rows, oldest first."""
    return written(of.out, of.view.states, of.manifest.output)


def written(out: Path, states: Mapping[str, SegmentState], output: Output) -> list[Segment]:
    """As `segments`, from what the journal has of each."""
    lengths = {name: state.length for name, state in states.items()}
    return [
        each._replace(rows=states[each.path.name].rows, digest=states[each.path.name].digest)
        for each in segments_of(out, lengths, output)
    ]


def segments_of(out: Path, lengths: Mapping[str, int], output: Output) -> list[Segment]:
    """Without the means to prove them, from the committed lengths alone."""
    directory = out / manifest.RESULTS_NAME
    mine = [name for name in lengths if "/" not in name]
    names = sorted(mine, key=lambda name: (len(name), name))
    return [Segment(directory / name, lengths[name], output) for name in names]


def rows(segment: Segment, start: int = 0) -> Iterator[bytes]:
    """Each committed row, line feed included.

    Raises DamageError where the file is too short and, once all was read, where these are not the
    rows or not the bytes that were committed. `start`: only rows behind this byte, which is the end
    of a commit.
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
    """The rows in these bytes, whatever they are."""
    blocks: Iterator[bytes] = iter(lambda: file.read(_BLOCK_BYTES), b"")
    if segment.output.compression == "zstd":
        blocks = zstd.unpacked(file, str(segment.path))
    return _lines(blocks) if segment.output.rows == "jsonl" else _maps(blocks)


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []  # parts of a line, which may be long
    for block in blocks:
        *whole, last = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line, b"\n"))
            begun.clear()
        begun.append(last)
    if rest := b"".join(begun):
        yield rest


def _maps(blocks: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    rest, before = bytearray(), 0  # where in all of them the rest begins
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
        except Exception:  # whatever it says of damaged bytes: they are no row
            yield bytes(rest[start:])
            return
    if rest:
        yield bytes(rest)


class Committed:
    """A file to its committed length."""

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
            raise DamageError(
                f"{path}: {committed} bytes were committed, but only {size} are there"
            )
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
        """Whether all of it, from its begin on, has this digest; reads what was not read yet."""
        while self._left:
            self.read(_BLOCK_BYTES)
        return digest is None or self._digest.value() == digest


class Follower:
    """Gives each committed row of a job once, in the order of commit, while the job goes on."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._output: Output | None = None  # not known before the job has begun
        self._index = 0  # of the segment that is being read
        self._start = 0  # what was given of it, in bytes

    @property
    def output(self) -> Output:
        """What the rows are; known once there are some."""
        assert self._output is not None
        return self._output

    def new(self) -> Iterator[bytes]:
        """What was committed since; to be read to its end. Raises DamageError.

        Nothing before the job has begun.
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


def lines_known(part: Part) -> int:
    """No committed row has a higher line than this."""
    recovered = part.view.recovered
    batches = [len(recovered.done.pack()) * 8, *(batch + 1 for batch in recovered.partial)]
    return max(batches) * part.manifest.batch_size


def find_input(out: Path, of: Manifest) -> Path | None:
    """The job's URL file, where it still is: spooled into OUT, or where it was."""
    named = Path(of.input.path)
    if named.name == manifest.SPOOL_NAME and (out / named.name).is_file():
        return out / named.name  # OUT may have been moved since
    return named if named.is_file() else None
