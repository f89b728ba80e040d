"""Opens, checks, counts and reads the URL file.

Anything wrong with the file is an InputError that names it. The file is read in order and in
blocks, so that memory does not grow with its size. Counting also goes block by block, so that the
ventilator can count and hand out in turns.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from fetcher.errors import ConflictError, InputError
from fetcher.input import detect, formats, lines
from fetcher.input.formats import LineFormat, TextsOf
from fetcher.input.selection import SelectingReader, SelectsLines
from fetcher.input.source_info import SourceInfo
from fetcher.model import Batch
from fetcher.settings.schema import Input

_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF16: Final = "UTF-16 text; convert it to UTF-8 first"
_MAGIC: Final = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive; unpack it first",
    b"\xff\xfe": _UTF16,
    b"\xfe\xff": _UTF16,
    b"\x7fELF": "a program",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"SQLite format 3": "a database",
}
_SAMPLE_BYTES: Final = 64 * 1024
_MAX_CONTROL_SHARE: Final = 0.1  # of control characters in text
_MIN_ZERO_SHARE: Final = 0.8  # of every second byte, in UTF-16 text that is mostly ASCII
# Our own check of the first bytes passed, so this error is about a later gzip member.
_NO_MEMBER: Final = "Not a gzipped file"
_TEXT_CONTROLS: Final = b"\t\n\r\f"
_HASH_BYTES: Final = 1024 * 1024


class Source:
    """A URL file that can be read from its start, any number of times."""

    def __init__(
        self,
        path: Path,
        asked: Input | LineFormat | None = None,
        selected: SelectsLines | None = None,
        name: str = "",
    ) -> None:
        """`asked`: the settings of the format, or the format itself if it is known already.

        `selected`: only these lines are URL lines; `name`: the file's name in messages.
        """
        self.path = path
        self._name = name or str(path)
        self._selected = selected
        with self._errors():
            if path.is_dir():
                raise InputError(f"{path}: is a directory; name a file of URLs, one a line")
            if not path.is_file() and path.exists():
                raise InputError(f"{path} is not a regular file; `fetcher run -` reads a pipe")
            with path.open("rb") as file:
                self._gzip = file.read(2) == _GZIP_MAGIC
            self.file_bytes = path.stat().st_size
        self._check_content()
        if not isinstance(asked, LineFormat):
            asked = detect.resolve(path, self._first_line, asked or Input())
        self.format = asked

    def _check_content(self) -> None:
        with self.content() as (stream, _), self._errors():
            sample = stream.read(_SAMPLE_BYTES)
        if not sample:
            raise InputError(f"{self._name}: is empty; it should hold URLs, one a line")
        for magic, kind in _MAGIC.items():
            if sample.startswith(magic):
                raise InputError(f"{self._name}: is {kind}")
        if b"\n" not in sample and b"\r" in sample.rstrip(b"\r"):
            raise InputError(
                f"{self._name}: its lines end with a carriage return alone (old Mac text); convert "
                "it first: tr '\\r' '\\n'"
            )
        if _is_utf16(sample):
            raise InputError(f"{self._name}: is {_UTF16}")
        controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in sample)
        if controls > _MAX_CONTROL_SHARE * len(sample):
            raise InputError(f"{self._name}: is binary; it should hold URLs as text, one a line")

    def holds_none(self) -> InputError:
        """The error for a file in which no URL line was found."""
        what = "only blank and comment lines"
        if self.format.kind == "csv":
            what = "no record after the line that names the columns"
        return InputError(f"{self._name}: holds no URL, {what}")

    def _first_line(self) -> bytes:
        with self.content() as (stream, _), self._errors():
            return next(lines.read_lines(stream), [b""])[0]

    @contextlib.contextmanager
    def content(self) -> Iterator[tuple[lines.ByteStream, BinaryIO]]:
        """Open the file: its uncompressed content, and the raw file (for its position)."""
        with self._errors():
            file = self.path.open("rb")
        with file:
            yield (gzip.GzipFile(fileobj=file) if self._gzip else file), file

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            if str(error).startswith(_NO_MEMBER):
                raise InputError(
                    f"{self.path}: what follows its gzip data is not gzip; unpack it with gunzip, "
                    "and see that the list is whole"
                ) from error
            raise InputError(f"{self.path}: damaged gzip data: {error}") from error
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}; name a readable file") from error

    def _only_selected(self, texts_of: TextsOf) -> TextsOf:
        return texts_of if self._selected is None else SelectingReader(texts_of, self._selected)

    def _read(
        self, stream: lines.ByteStream, size: int = lines.READ_BYTES
    ) -> Iterator[list[bytes]]:
        return lines.read_lines(stream, size, formats.longest_line(self.format))

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Yield all batches in order. Raises InputError at the place where the file is damaged."""
        with self.content() as (stream, _), self._errors():
            texts_of = self._only_selected(formats.reader(self.format))
            yield from lines.batches(self._read(stream), batch_size, texts_of)

    def url_lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and text of each URL line, in order."""
        number = 0
        texts_of = self._only_selected(formats.reader(self.format))
        with self.content() as (stream, _), self._errors():
            for block in self._read(stream):
                for text in texts_of(block):
                    number += 1
                    if text:
                        yield number, text

    def census(self) -> Iterator[SourceInfo]:
        """Count the URL lines; yields the counts after each block, the last with `at_end`."""
        count = 0
        texts_of = self._only_selected(formats.counter(self.format))
        with self.content() as (stream, file), self._errors():
            hashing = _HashingStream(stream)
            for block in self._read(hashing, _HASH_BYTES):
                count += sum(1 for text in texts_of(block) if text)
                fraction = min(file.tell() / max(self.file_bytes, 1), 1.0)
                yield SourceInfo(hashing.bytes, hashing.digest.hexdigest(), count, False, fraction)
        yield SourceInfo(hashing.bytes, hashing.digest.hexdigest(), count, True, 1.0)

    def require_same(self, known: SourceInfo, out: str) -> None:
        """Check that the content begins with the bytes counted before. Raises ConflictError."""
        digest = hashlib.sha256()
        left = known.checked_bytes
        with self.content() as (stream, _), self._errors():
            while left and (block := stream.read(min(left, _HASH_BYTES))):
                digest.update(block)
                left -= len(block)
            longer = known.at_end and stream.read(1) != b""
        if left or longer or digest.hexdigest() != known.checked_sha256:
            raise ConflictError(
                f"{self.path} is not the file that {out} was begun with: its content has changed; "
                "restore it, or choose another OUT"
            )


def _is_utf16(sample: bytes) -> bool:
    """Whether it is UTF-16 without a BOM: every second byte is 0, at odd or at even places."""
    zeros = sorted(sample[side::2].count(0) for side in (0, 1))
    return zeros[1] > _MIN_ZERO_SHARE * (len(sample) // 2) and zeros[0] < zeros[1] / 10


class _HashingStream:
    """Hashes and counts the bytes that are read through it."""

    def __init__(self, stream: lines.ByteStream) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int, /) -> bytes:
        block = self._stream.read(size)
        self.digest.update(block)
        self.bytes += len(block)
        return block
