"""Whether what rows say of their bodies is there: each file with its digest, each record once.

Law: as in audit, nothing is believed that can be counted: all bodies are read.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.core.lines import fingerprint
from fetcher.core.output import PLAIN
from fetcher.model import Result
from fetcher.store import rows
from fetcher.store.bodies import BODIES_NAME, INDEX_SUFFIX, WARC_SUFFIX, IndexRow
from fetcher.store.rows import Part

NO_BODY: Final = "its body is not there as the row has it"
NO_RECORD: Final = "rows and WARC records differ"
_SAID_CHARS: Final = 100  # of what a damaged file holds
_WRAP: Final = 1 << 64
_BLOCK_BYTES: Final = 1 << 20
_MOST_SEEN: Final = 1_000_000  # files that are not read again for another row

Finding = tuple[str, str]  # kind, and where


class KeptBodies:
    """What one part of a job keeps; told of each row, and asked at the end."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._directory = part.out / BODIES_NAME
        self._sum = 0  # of lines and their records: as rows say, less as the files say
        self._seen: set[bytes] = set()  # digests of files that were read already

    def see(self, result: Result) -> Iterator[Finding]:
        """What is wrong with this row's file."""
        if isinstance(result.warc_id, str):
            self._sum += fingerprint(result.line, result.warc_id)
        if isinstance(result.body_file, str) and not self._has(result):
            yield NO_BODY, f"line {result.line}"

    def _has(self, result: Result) -> bool:
        digest = result.sha256 or ""
        key = digest[:32].encode()
        if key in self._seen:
            return True
        path = self._directory / str(result.body_file)
        found = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    found.update(block)
        except OSError:
            return False
        if len(self._seen) < _MOST_SEEN:
            self._seen.add(key)
        return found.hexdigest() == digest

    def end(self) -> Iterator[Finding]:
        """What is wrong with the files as a whole."""
        if self._part.manifest.output.bodies != "warc":
            return
        lengths = self._part.view.segments
        by_file = itertools.groupby(self._index(lengths), key=lambda row: row.file)
        for name in sorted(n for n in lengths if n.endswith(WARC_SUFFIX) and lengths[n]):
            _, entries = next(by_file, ("", iter(())))
            yield from self._walk(Path(name).name, lengths[name], entries)
        if next(by_file, None) is not None:
            yield NO_RECORD, "the index names more than there is"
        if self._sum % _WRAP:
            yield NO_RECORD, f"{self._directory} (each row's record, once)"

    def _index(self, lengths: Mapping[str, int]) -> Iterator[IndexRow]:
        for name in sorted(n for n in lengths if n.endswith(INDEX_SUFFIX)):
            segment = rows.Segment(self._part.out / name, lengths[name], PLAIN)
            for raw in rows.rows(segment):
                yield msgspec.json.decode(raw, type=IndexRow)

    def _walk(self, name: str, length: int, entries: Iterator[IndexRow]) -> Iterator[Finding]:
        """Each record of a file, with its digests, beside the index."""
        # warcio is for such jobs only.
        from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415
        from warcio.exceptions import ArchiveLoadFailed  # noqa: PLC0415

        wanted = next(entries, None)
        try:
            with rows.Committed(self._directory / name, length) as file:
                records: Any = ArchiveIterator(file, check_digests="raise")
                for record in records:
                    offset = records.get_record_offset()
                    while record.raw_stream.read(_BLOCK_BYTES):
                        pass
                    if wanted is not None and (name, offset) == (wanted.file, wanted.offset):
                        record_id = record.rec_headers.get_header("WARC-Record-ID")
                        self._sum -= fingerprint(wanted.line, record_id)
                        wanted = next(entries, None)
        except (ArchiveLoadFailed, msgspec.MsgspecError, zlib.error) as error:
            said = " ".join(str(error).split()).encode("ascii", "backslashreplace").decode()
            yield NO_RECORD, f"{name} ({said[:_SAID_CHARS]})"
        if wanted is not None:
            yield NO_RECORD, f"{name}: no record at {wanted.offset} (line {wanted.line})"
