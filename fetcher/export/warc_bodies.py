"""The decoded bodies of a job's WARC files, by the lines of its rows.

Law: only committed bytes are read. Where each line's records are is in a table on disk, as there
may be as many as rows; so are the places of the bodies to which revisits refer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import IO, Any, Final

import msgspec
from msgspec import UNSET

from fetcher.errors import DamageError, FetcherError
from fetcher.export.scratch import scratch_table
from fetcher.export.sqlite_file import sqlite_errors
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.decoding import decoder_for
from fetcher.model import Result
from fetcher.protocol.output_spec import PLAIN
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store import reader
from fetcher.store.bodies import IndexRow, index_names, warc_names
from fetcher.store.disk import disk_errors
from fetcher.store.reader import Part

_BLOCK_BYTES: Final = 256 * 1024
_MOST_BETWEEN: Final = 1 << 30  # bytes, where an encoding is upon another
_WHAT: Final = "--files (a temporary table of WARC records, see TMPDIR)"


class WarcBodies:
    """Reads the last response of a line from the WARC files of one OUT."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._directory = part.out / BODIES_NAME
        self._places: sqlite3.Connection | None = None  # line -> its records
        self._originals: sqlite3.Connection | None = None  # payload digest -> a record with it
        self._open: tuple[str, IO[bytes]] | None = None  # rows come in the order of the files

    def body_of(self, row: Result) -> bytes | None:
        """The body, decoded; None where no answer came. Raises DamageError, NoSpaceError."""
        if row.warc_id is UNSET or row.body_bytes is None:
            return None
        record = self._record(*self._place(row))
        if record.rec_headers.get_header("WARC-Record-ID") != row.warc_id:
            raise self._not_there(row)
        if record.rec_type == "revisit":
            record = self._original(row, record.rec_headers.get_header("WARC-Payload-Digest"))
        return _decoded(record, row)

    def close(self) -> None:
        for table in (self._places, self._originals):
            if table is not None:
                table.close()
        if self._open is not None:
            self._open[1].close()

    def _place(self, row: Result) -> tuple[str, int]:
        if self._places is None:
            self._places = self._read_index()
        found = self._places.execute(
            "SELECT file, offset FROM records WHERE line = ?", (row.line,)
        ).fetchone()
        if found is None:
            raise self._not_there(row)
        return found[0], found[1]

    def _read_index(self) -> sqlite3.Connection:
        table = scratch_table(
            "records (line INTEGER PRIMARY KEY, file TEXT, offset INTEGER)", _WHAT
        )
        with sqlite_errors(_WHAT):
            table.executemany(
                "INSERT INTO records VALUES (?, ?, ?)",
                ((row.line, row.file, row.offset) for row in self._index_rows()),
            )
        return table

    def _index_rows(self) -> Iterator[IndexRow]:
        lengths = self._part.view.segments
        for name in index_names(lengths):
            segment = reader.Segment(self._part.out / name, lengths[name], PLAIN)
            for raw in reader.rows(segment):
                try:
                    row = msgspec.json.decode(raw, type=IndexRow)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise DamageError(f"{segment.path}: {error}; restore it") from error
                if f"{BODIES_NAME}/{row.file}" not in lengths:
                    raise DamageError(f"{segment.path}: names {row.file!r}, which is not there")
                yield row

    def _record(self, name: str, offset: int) -> Any:
        # warcio is for such jobs only.
        from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

        if self._open is None or self._open[0] != name:
            if self._open is not None:
                self._open[1].close()
            path = self._directory / name
            with disk_errors(path):
                self._open = name, path.open("rb")
        file = self._open[1]
        try:
            file.seek(offset)
            return next(iter(ArchiveIterator(file)))
        # Whatever it says of damaged bytes.
        except Exception as error:
            raise DamageError(
                f"{self._directory / name}: no record at byte {offset} ({error}); "
                f"`fetcher verify {self._part.out}` says more"
            ) from error

    def _original(self, row: Result, digest: str) -> Any:
        if self._originals is None:
            self._originals = self._read_originals()
        found = self._originals.execute(
            "SELECT file, offset FROM originals WHERE digest = ?", (digest,)
        ).fetchone()
        if found is None:
            raise self._not_there(row)
        return self._record(*found)

    def _read_originals(self) -> sqlite3.Connection:
        """From all records: a body may be that of a redirect, which the index does not have."""
        table = scratch_table(
            "originals (digest TEXT PRIMARY KEY, file TEXT, offset INTEGER) WITHOUT ROWID", _WHAT
        )
        with sqlite_errors(_WHAT):
            for name in warc_names(self._part.view.segments):
                table.executemany(
                    "INSERT OR IGNORE INTO originals VALUES (?, ?, ?)", self._responses(name)
                )
        return table

    def _responses(self, name: str) -> Iterator[tuple[str, str, int]]:
        from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

        path = self._part.out / name
        try:
            with reader.Committed(path, self._part.view.segments[name]) as file:
                records: Any = ArchiveIterator(file)
                for record in records:
                    said = record.rec_headers.get_header
                    if record.rec_type == "response" and not said("WARC-Truncated"):
                        yield said("WARC-Payload-Digest"), path.name, records.get_record_offset()
        except FetcherError:
            raise
        except Exception as error:
            raise DamageError(f"{path}: {error}; `fetcher verify` says more") from error

    def _not_there(self, row: Result) -> DamageError:
        return DamageError(
            f"{self._directory}: the record of line {row.line} is not there; "
            f"`fetcher verify {self._part.out}` says more"
        )


def _decoded(record: Any, row: Result) -> bytes:
    """As much as the row counts: a body that was cut by a limit may be longer in the record."""
    most = row.body_bytes or 0
    encodings = ", ".join(v for name, v in row.headers if name.lower() == "content-encoding")
    decoder = decoder_for(encodings, _MOST_BETWEEN)
    body = bytearray()
    try:
        while len(body) < most and (block := record.raw_stream.read(_BLOCK_BYTES)):
            for piece in decoder.pieces(block) if decoder else (block,):
                body += piece
                if len(body) >= most:
                    break
    except Failure:
        pass  # it was cut or damaged when it came, too
    return bytes(body[:most])
