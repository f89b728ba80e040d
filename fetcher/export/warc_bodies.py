"""Reads decoded bodies from the WARC files of a job, by line.

Only committed bytes are read. The positions of the records are kept in temporary tables on disk, as
there may be as many records as rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import IO, Any, Final

from msgspec import UNSET

from fetcher.errors import DamageError, FetcherError
from fetcher.export.scratch import scratch_table
from fetcher.export.sqlite_file import sqlite_errors
from fetcher.fetch.body.decoding import decoder_for
from fetcher.fetch.failures import Failure
from fetcher.model import Result
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store import reader
from fetcher.store.bodies import IndexRow, index_names, read_index, warc_names
from fetcher.store.disk import disk_errors
from fetcher.store.reader import Part

_BLOCK_BYTES: Final = 256 * 1024
_MOST_BETWEEN: Final = 1 << 30  # bytes between two encodings of one body
_WHAT: Final = "--files (a temporary table of WARC records, see TMPDIR)"


class WarcBodies:
    """Reads the body of a line's last response. Raises DamageError, NoSpaceError."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._directory = part.out / BODIES_NAME
        self._places: sqlite3.Connection | None = None  # line -> file and offset
        self._originals: sqlite3.Connection | None = None  # payload digest -> file and offset
        self._open: tuple[str, IO[bytes]] | None = None  # the file of the last record

    def body_of(self, row: Result) -> bytes | None:
        """The decoded body of a row; None if no response came."""
        if row.warc_id is UNSET or row.body_bytes is None:
            return None
        record = self._record(*self._place(row))
        if record.rec_headers.get_header("WARC-Record-ID") != row.warc_id:
            raise self._missing(row)
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
            raise self._missing(row)
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
            path = self._part.out / name
            for number, (_, row) in enumerate(read_index(self._part.out, name, lengths[name]), 1):
                if row is None:
                    raise DamageError(f"{path}: line {number} is not valid; restore the file")
                if f"{BODIES_NAME}/{row.file}" not in lengths:
                    raise DamageError(f"{path}: names {row.file!r}, which is not there")
                yield row

    def _record(self, name: str, offset: int) -> Any:
        # Only jobs with WARC files need warcio.
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
        except Exception as error:  # warcio raises many kinds of errors for damaged bytes
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
            raise self._missing(row)
        return self._record(*found)

    def _read_originals(self) -> sqlite3.Connection:
        """Read all records, as a revisit may refer to a redirect, which is not in the index."""
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
                    header = record.rec_headers.get_header
                    if record.rec_type == "response" and not header("WARC-Truncated"):
                        yield header("WARC-Payload-Digest"), path.name, records.get_record_offset()
        except FetcherError:
            raise
        except Exception as error:
            raise DamageError(f"{path}: {error}; `fetcher verify` says more") from error

    def _missing(self, row: Result) -> DamageError:
        return DamageError(
            f"{self._directory}: the record of line {row.line} is not there; "
            f"`fetcher verify {self._part.out}` says more"
        )


def _decoded(record: Any, row: Result) -> bytes:
    """The decoded body, up to the row's length: in the record, a cut body may be longer."""
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
        pass  # it was cut or damaged when it was received, too
    return bytes(body[:most])
