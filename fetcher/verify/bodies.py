"""Checks that each kept body has the digest in its row, and that each WARC record is there once.

It reads all bodies.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec

from fetcher.errors import FetcherError
from fetcher.input.lines import fingerprint
from fetcher.model import Result
from fetcher.rows.body_names import BODIES_NAME, BodyFile, parsed
from fetcher.rows.inline import body_of
from fetcher.store import reader
from fetcher.store.bodies import IndexRow, index_names, read_index, warc_names
from fetcher.store.cdxj import CDXJ_NAME, PageLines
from fetcher.store.disk import disk_errors, sha256_of
from fetcher.store.reader import Part
from fetcher.verify.balance import is_balanced
from fetcher.verify.revisits import RevisitCheck

NO_BODY: Final = "the kept body is missing, or differs from its row"
NO_RECORD: Final = "rows and WARC records differ"
NO_ORIGINAL: Final = "a WARC record refers to a record that is missing"
OTHER_INDEX: Final = "the index for replay does not fit the WARC files"
_SHOWN_CHARS: Final = 100  # of a message about a damaged file
_MOST_SEEN: Final = 1_000_000  # files that are remembered, so that they are read once

Finding = tuple[str, str]  # kind, and where


class BodyAudit:
    """Checks the kept bodies of one part of a job: row by row, then the files as a whole."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._directory = part.out / BODIES_NAME
        self._sum = 0  # fingerprints of records: those of the rows minus those of the files
        self._pages = 0  # fingerprints of pages: those of the records minus those of the index
        self._seen: set[bytes] = set()  # keys of files that were read already

    def check(self, result: Result) -> Iterator[Finding]:
        """Check the body of a row."""
        if isinstance(result.warc_id, str):
            self._sum += fingerprint(result.line, result.warc_id)
        in_file = isinstance(result.body_file, str)
        if (in_file and not self._has_file(result)) or not _is_as_the_row_says(result):
            yield NO_BODY, f"line {result.line}"

    def _has_file(self, result: Result) -> bool:
        named = parsed(str(result.body_file))
        if named is None or named.names != self._part.manifest.output.body_names:
            return False
        if named.digest != (result.sha256 or named.digest):
            return False
        if _is_cut(result) and not self._is_as_long(named, result):
            return False
        key = _key(named)
        if key in self._seen:
            return True
        try:
            digest = sha256_of(self._part.out / named.path)
        except OSError:
            return False
        if len(self._seen) < _MOST_SEEN:
            self._seen.add(key)
        return digest == named.digest

    def _is_as_long(self, file: BodyFile, result: Result) -> bool:
        try:
            return (self._part.out / file.path).stat().st_size == result.body_bytes
        except OSError:
            return False

    def end(self) -> Iterator[Finding]:
        """Check the files as a whole, after the last row."""
        if self._part.manifest.output.bodies != "warc":
            return
        with RevisitCheck() as self._revisits:
            yield from self._read_archive(self._part.view.segments)

    def _read_archive(self, lengths: Mapping[str, int]) -> Iterator[Finding]:
        damaged: list[Finding] = list(self._other_bytes())
        by_file = itertools.groupby(self._index(lengths, damaged), key=lambda row: row.file)
        for name in warc_names(lengths):
            if lengths[name]:
                _, entries = next(by_file, ("", iter(())))
                yield from self._walk(Path(name).name, lengths[name], entries)
        if next(by_file, None) is not None:
            yield NO_RECORD, "the index names records that are missing"
        yield from damaged
        yield from self._compare_pages()
        for record in self._revisits.missing():
            yield NO_ORIGINAL, f"{self._directory} ({record})"
        if not is_balanced(self._sum):
            yield NO_RECORD, f"{self._directory} (each row's record, once)"

    def _add_page(self, line: bytes) -> None:
        if line:
            self._pages += fingerprint(0, line.decode())

    def _compare_pages(self) -> Iterator[Finding]:
        """Check the index for replay, if there is one: it exists only in a complete job."""
        path = self._directory / CDXJ_NAME
        if self._part.manifest.state != "complete" or not path.exists():
            return
        before, is_sorted = b"", True
        with disk_errors(path), path.open("rb") as file:
            for line in file:
                self._pages -= fingerprint(0, line.decode("utf-8", "replace"))
                is_sorted = is_sorted and before <= line
                before = line
        if not is_balanced(self._pages) or not is_sorted:
            yield OTHER_INDEX, str(path)

    def _other_bytes(self) -> Iterator[Finding]:
        for name, state in self._part.view.states.items():
            if name.startswith(f"{BODIES_NAME}/"):
                with reader.Committed(self._part.out / name, state.length) as file:
                    if not file.is_as(state.digest):
                        yield NO_RECORD, f"{name} (its bytes are not those that were committed)"

    def _index(self, lengths: Mapping[str, int], damaged: list[Finding]) -> Iterator[IndexRow]:
        for name in index_names(lengths):
            lines = read_index(self._part.out, name, lengths[name])
            for number, (raw, row) in enumerate(lines, 1):
                if row is None or row.encoded() != raw:
                    damaged.append((NO_RECORD, f"{name}, line {number} is not as it was written"))
                if row is not None:
                    yield row

    def _walk(self, name: str, length: int, entries: Iterator[IndexRow]) -> Iterator[Finding]:
        """Read each record of a WARC file, check its digests, and compare it with the index."""
        # Only jobs with WARC files need warcio.
        from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

        wanted = next(entries, None)
        pages = PageLines(name)
        end = wanted.offset if wanted else 0  # of the records that the index has named so far
        try:
            with reader.Committed(self._directory / name, length) as file:
                records: Any = ArchiveIterator(file, check_digests="raise")
                for record in records:
                    self._revisits.add(record)
                    offset = records.get_record_offset()  # this reads the record to its end
                    self._add_page(pages.see(record, offset, records.get_record_length()))
                    if wanted is not None and (name, offset) == (wanted.file, end):
                        record_id = record.rec_headers.get_header("WARC-Record-ID")
                        self._sum -= fingerprint(wanted.line, record_id)
                        end += wanted.length
                        wanted = next(entries, None)
                        if wanted is not None and wanted.offset != end:
                            break
            self._add_page(pages.end())
        except FetcherError:
            raise
        except Exception as error:  # warcio raises many kinds of errors for damaged bytes
            reason = " ".join(str(error).split()).encode("ascii", "backslashreplace").decode()
            yield NO_RECORD, f"{name} ({reason[:_SHOWN_CHARS]})"
            return
        if wanted is not None:
            yield NO_RECORD, f"{name}: no record at {wanted.offset} (line {wanted.line})"
        elif end != length:
            yield NO_RECORD, f"{name}: {length} bytes, and the index covers {end}"


def _key(file: BodyFile) -> bytes:
    """Half of the digest and the extension, to save memory."""
    return (file.digest[:32] + PurePosixPath(file.path).suffix).encode()


def _is_cut(result: Result) -> bool:
    """Whether the row says that its body was cut; such a row has no digest."""
    return result.truncated is True and result.sha256 is None


def _is_as_the_row_says(result: Result) -> bool:
    """Whether a body in the row, if any, has the row's digest; a cut body, the row's length."""
    if isinstance(result.body_file, str) and not result.sha256 and not _is_cut(result):
        return False
    if not isinstance(result.body, str):
        return result.body_is is msgspec.UNSET
    if not isinstance(result.body_is, str):
        return False
    try:
        body = body_of(result.body, result.body_is, result.content_type)
    except ValueError:
        return False
    if _is_cut(result):
        return len(body) == result.body_bytes
    return hashlib.sha256(body).hexdigest() == result.sha256
