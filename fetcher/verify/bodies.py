"""Whether what rows say of their bodies is there: each with its digest, each record once.

Law: as in audit, nothing is believed that can be counted: all bodies are read.
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
from fetcher.protocol.output_spec import PLAIN
from fetcher.rows.body_names import BODIES_NAME, BodyFile, parsed
from fetcher.rows.inline import body_of
from fetcher.store import reader
from fetcher.store.bodies import IndexRow, index_names, warc_names
from fetcher.store.cdxj import CDXJ_NAME, PageLines
from fetcher.store.disk import disk_errors
from fetcher.store.reader import Part
from fetcher.verify.revisits import Originals

NO_BODY: Final = "the kept body is missing, or differs from its row"
NO_RECORD: Final = "rows and WARC records differ"
NO_ORIGINAL: Final = "a WARC record refers to a record that is missing"
OTHER_INDEX: Final = "the index for replay does not fit the WARC files"
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
        self._pages = 0  # the sum of what the index for replay must have
        self._seen: set[bytes] = set()  # keys of files that were read already

    def see(self, result: Result) -> Iterator[Finding]:
        """What is wrong with this row's body."""
        if isinstance(result.warc_id, str):
            self._sum += fingerprint(result.line, result.warc_id)
        in_file = isinstance(result.body_file, str)
        if (in_file and not self._has_file(result)) or not _is_as_the_row_says(result):
            yield NO_BODY, f"line {result.line}"

    def _has_file(self, result: Result) -> bool:
        said = parsed(str(result.body_file))
        if said is None or said.names != self._part.manifest.output.body_names:
            return False
        if said.digest != (result.sha256 or said.digest):
            return False
        if _is_cut(result) and not self._is_as_long(said, result):
            return False
        key = _key(said)
        if key in self._seen:
            return True
        found = hashlib.sha256()
        try:
            with (self._part.out / said.path).open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    found.update(block)
        except OSError:
            return False
        if len(self._seen) < _MOST_SEEN:
            self._seen.add(key)
        return found.hexdigest() == said.digest

    def _is_as_long(self, file: BodyFile, result: Result) -> bool:
        try:
            return (self._part.out / file.path).stat().st_size == result.body_bytes
        except OSError:
            return False

    def end(self) -> Iterator[Finding]:
        """What is wrong with the files as a whole."""
        if self._part.manifest.output.bodies != "warc":
            return
        with Originals() as self._originals:
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
        for refers in self._originals.missing():
            yield NO_ORIGINAL, f"{self._directory} ({refers})"
        if self._sum % _WRAP:
            yield NO_RECORD, f"{self._directory} (each row's record, once)"

    def _add_page(self, line: bytes) -> None:
        if line:
            self._pages += fingerprint(0, line.decode())

    def _compare_pages(self) -> Iterator[Finding]:
        """The index for replay; a job that is not complete has none, and it can be made again."""
        path = self._directory / CDXJ_NAME
        if self._part.manifest.state != "complete" or not path.exists():
            return
        before, is_sorted = b"", True
        with disk_errors(path), path.open("rb") as file:
            for line in file:
                self._pages -= fingerprint(0, line.decode("utf-8", "replace"))
                is_sorted = is_sorted and before <= line
                before = line
        if self._pages % _WRAP or not is_sorted:
            yield OTHER_INDEX, str(path)

    def _other_bytes(self) -> Iterator[Finding]:
        for name, state in self._part.view.states.items():
            if name.startswith(f"{BODIES_NAME}/"):
                with reader.Committed(self._part.out / name, state.length) as file:
                    if not file.is_as(state.digest):
                        yield NO_RECORD, f"{name} (its bytes are not those that were committed)"

    def _index(self, lengths: Mapping[str, int], damaged: list[Finding]) -> Iterator[IndexRow]:
        for name in index_names(lengths):
            segment = reader.Segment(self._part.out / name, lengths[name], PLAIN)
            for number, raw in enumerate(reader.rows(segment), 1):
                try:
                    row = msgspec.json.decode(raw, type=IndexRow)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    row = None
                if row is None or row.encoded() != raw:
                    damaged.append((NO_RECORD, f"{name}, line {number} is not as it was written"))
                if row is not None:
                    yield row

    def _walk(self, name: str, length: int, entries: Iterator[IndexRow]) -> Iterator[Finding]:
        """Each record of a file, with its digests, beside the index."""
        # warcio is for such jobs only.
        from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

        wanted = next(entries, None)
        pages = PageLines(name)
        end = wanted.offset if wanted else 0  # of what the entries so far are of, without a gap
        try:
            with reader.Committed(self._directory / name, length) as file:
                records: Any = ArchiveIterator(file, check_digests="raise")
                for record in records:
                    self._originals.see(record)
                    offset = records.get_record_offset()  # and it reads the record to its end
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
        # Whatever it says of damaged bytes.
        except Exception as error:
            said = " ".join(str(error).split()).encode("ascii", "backslashreplace").decode()
            yield NO_RECORD, f"{name} ({said[:_SAID_CHARS]})"
            return
        if wanted is not None:
            yield NO_RECORD, f"{name}: no record at {wanted.offset} (line {wanted.line})"
        elif end != length:
            yield NO_RECORD, f"{name}: {length} bytes, and the index is of {end}"


def _key(file: BodyFile) -> bytes:
    """Half of the digest and the extension: they are kept for many files."""
    return (file.digest[:32] + PurePosixPath(file.path).suffix).encode()


def _is_cut(result: Result) -> bool:
    """Whether the row says that its body was cut: then it has no digest of it."""
    return result.truncated is True and result.sha256 is None


def _is_as_the_row_says(result: Result) -> bool:
    """Whether a body in a row, if there is one, has its digest; of a cut one, its length."""
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
