"""OUT/parent: where a refresh finds what the earlier job has, so that its workers can read it.

    index.json              the files of that job, and what may be asked of them
    rows.places             by line: its row, if that is of a complete answer
    records.places          by line: its WARC records
    log.places, links.places, more_links.places   of a crawl: its log, and the links of each line
    keys.u64, lines.u32     of a crawl: the first half of each key in order, and its line

Everything follows from that job. The folder gets its name once it is whole, and is not needed any
more when the refresh is complete.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from fetcher.bitset import IdSet
from fetcher.errors import DamageError, UsageError
from fetcher.model import Outcome
from fetcher.rows.forms import decoder
from fetcher.store import reader
from fetcher.store.bodies import index_names, read_index, warc_names
from fetcher.store.disk import disk_errors, make_dir
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.parent_index import ParentIndex, RowFile, load_index, write_index
from fetcher.store.pieces import PieceTable
from fetcher.store.reader import Part, Segment

ROWS_NAME: Final = "rows.places"
RECORDS_NAME: Final = "records.places"


class Built(NamedTuple):
    """The parts of the earlier job that a refresh can use."""

    pages: int  # complete answers
    with_validators: int  # those with an ETag or a Last-Modified


class _Facts(msgspec.Struct):
    """What decides whether a row is of use."""

    line: int
    outcome: str
    sha256: str | None = None
    headers: list[tuple[str, str]] = []


def folder_of(out: Path) -> Path:
    """The folder of a refresh, as an absolute path."""
    return out.absolute() / PARENT_NAME


def build(out: Path, parts: Sequence[Part], *, is_conditional: bool) -> Built:
    """Make the folder in OUT anew. Raises DamageError, NoSpaceError.

    `parts`: of a list with its retries, oldest first, or of a crawl.
    """
    folder, new = out / PARENT_NAME, out / f"{PARENT_NAME}.tmp"
    for old in (folder, new):
        shutil.rmtree(old, ignore_errors=True)
    make_dir(new, "-o")
    first = parts[0]
    rows = _RowTable(new, parts)
    index = ParentIndex(
        first.manifest.job,
        _outs(parts),
        rows.files,
        is_conditional,
        records=_records(new, parts),
    )
    if first.manifest.crawl is not None:
        # Only crawls import numpy.
        from fetcher.store.parent_crawl import with_crawl  # noqa: PLC0415

        index = with_crawl(new, first, index)
    write_index(new, index)
    with disk_errors(new):
        new.rename(folder)
    return Built(rows.pages, rows.with_validators)


def are_of(out: Path, parts: Sequence[Part]) -> bool:
    """Whether OUT has the folder, and it is of these parts."""
    try:
        return load_index(out / PARENT_NAME).outs == _outs(parts)
    except DamageError:
        return False


def _outs(parts: Sequence[Part]) -> list[str]:
    return [str(part.out.resolve()) for part in parts]


def remove(out: Path) -> None:
    """Remove the folder, as the refresh is complete."""
    shutil.rmtree(out / PARENT_NAME, ignore_errors=True)


def require_seen(folder: Path) -> None:
    """Raise UsageError if this host does not see the folder, or the earlier job."""
    try:
        unseen = [out for out in load_index(folder).outs if not Path(out).is_dir()]
    except DamageError:
        unseen = [str(folder)]
    if unseen:
        raise UsageError(
            f"{unseen[0]}: this host does not see it, and the workers of a refresh read the "
            "earlier job: let all hosts have both OUTs at the same paths, or run the refresh "
            "without --engine"
        )


def has_validators(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether an answer with these headers may be asked for conditionally."""
    return any(name.lower() in ("etag", "last-modified") for name, _ in headers)


class _RowTable:
    """Makes the table of rows: of a line with several rows, the newest counts."""

    def __init__(self, new: Path, parts: Sequence[Part]) -> None:
        self.files: list[RowFile] = []
        self.pages = self.with_validators = 0
        self._new = new
        self._seen = IdSet()
        self._has_several = len(parts) > 1
        with PieceTable(new / ROWS_NAME, max(map(reader.highest_line, parts))) as self._table:
            for number, part in reversed(list(enumerate(parts))):
                for segment in reader.segments(part):
                    self._read(number, part, segment)

    def _read(self, number: int, part: Part, segment: Segment) -> None:
        form, last = part.manifest.output.rows, reader.highest_line(part)
        decode = decoder(form, _Facts)
        begin = 0
        for raw in self._rows(segment, RowFile(str(segment.path.resolve()), form, number)):
            try:
                facts = decode(raw)
                if not 1 <= facts.line <= last:
                    raise ValueError(f"there was no line {facts.line}")
            except (msgspec.MsgspecError, ValueError) as error:
                raise DamageError(
                    f"{segment.path}, byte {begin}: is not a valid row ({error}); "
                    f"`fetcher verify {part.out}` says more"
                ) from error
            self._put(facts, begin, len(raw))
            begin += len(raw)

    def _rows(self, segment: Segment, file: RowFile) -> Iterator[bytes]:
        """The rows of a segment; a compressed one is copied, as nothing is read within it."""
        if segment.output.compression == "none":
            self.files.append(file)
            yield from reader.rows(segment)
            return
        name = f"rows-{len(self.files):05d}"
        # The folder has another name later.
        self.files.append(replace(file, path=str(self._new.with_name(PARENT_NAME) / name)))
        with disk_errors(self._new / name), (self._new / name).open("wb") as copy:
            for raw in reader.rows(segment):
                copy.write(raw)
                yield raw

    def _put(self, facts: _Facts, begin: int, size: int) -> None:
        if self._has_several:
            if facts.line in self._seen:
                return
            self._seen.add(facts.line)
        if facts.outcome == Outcome.OK and facts.sha256 is not None:
            self._table.put(facts.line, len(self.files) - 1, begin, size)
            self.pages += 1
            self.with_validators += has_validators(facts.headers)


def _records(new: Path, parts: Sequence[Part]) -> list[str]:
    """Make the table of WARC records; return the paths of their files."""
    files: list[str] = []
    if all(part.manifest.output.bodies != "warc" for part in parts):
        return files
    with PieceTable(new / RECORDS_NAME, max(map(reader.highest_line, parts))) as table:
        for part in parts:
            lengths = part.view.segments
            numbers = {}
            for name in warc_names(lengths):
                numbers[Path(name).name] = len(files)
                files.append(str((part.out / name).resolve()))
            for name in index_names(lengths):
                for _, row in read_index(part.out, name, lengths[name]):
                    if row is not None and row.file in numbers:
                        table.put(row.line, numbers[row.file], row.offset, row.length)
    return files
