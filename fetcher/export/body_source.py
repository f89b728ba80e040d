"""Reads the kept bodies of rows, from rows, files or WARC files.

A body must have the sha256 of its row or, if it was cut, the length in its row. Anything else is a
DamageError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import UNSET

from fetcher.errors import DamageError
from fetcher.export.merged import Row
from fetcher.export.warc_bodies import WarcBodies
from fetcher.model import Result
from fetcher.protocol.output_spec import Bodies
from fetcher.rows.body_names import parsed
from fetcher.rows.inline import body_of
from fetcher.store.reader import Part

_BLOCK_BYTES: Final = 1 << 20


class Body(NamedTuple):
    """A body, in memory or in a file of OUT."""

    sha256: str  # "": not needed
    size: int  # bytes
    data: bytes
    file: Path | None = None  # if given, it holds the body in place of `data`

    def blocks(self) -> Iterator[bytes]:
        """The content. Raises DamageError, which may be after the last block."""
        if self.file is None:
            yield self.data
            return
        found = hashlib.sha256()
        try:
            with self.file.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    found.update(block)
                    yield block
        except OSError as error:
            raise DamageError(
                f"{self.file}: {error.strerror}; it is the body of a row; restore it"
            ) from error
        if found.hexdigest() != self.sha256:
            raise DamageError(f"{self.file}: its content does not fit its name; restore it")


BodyOf = Callable[[Result], Body | None]


class BodySource:
    """Reads the bodies of the rows of these parts. Raises DamageError, NoSpaceError."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._archives: list[WarcBodies] = []
        self._readers = [self._reader(part) for part in parts]

    def body_of(self, row: Row) -> Body | None:
        """The body of a row; None if it has none."""
        return self._readers[row.part](row.result)

    def close(self) -> None:
        for archive in self._archives:
            archive.close()

    def _reader(self, part: Part) -> BodyOf:
        if part.manifest.output.bodies == "warc":
            archive = WarcBodies(part)
            self._archives.append(archive)
            return lambda row: _checked(part.out, row, archive.body_of(row))
        read = _READERS[part.manifest.output.bodies]
        return lambda row: read(part.out, row)


def _in_row(out: Path, row: Result) -> Body | None:
    if row.body is UNSET:
        return None
    if row.body_is is UNSET:
        raise _other_body(out, row)
    try:
        data = body_of(row.body, row.body_is, row.content_type)
    except ValueError as error:
        raise _other_body(out, row) from error
    return _checked(out, row, data)


def _in_file(out: Path, row: Result) -> Body | None:
    if row.body_file is UNSET:
        return None
    named = parsed(row.body_file)
    if named is None or row.sha256 not in (None, named.digest):
        raise _other_body(out, row)
    return Body(named.digest, row.body_bytes or 0, b"", out / named.path)


def _checked(out: Path, row: Result, data: bytes | None) -> Body | None:
    if data is None:
        return None
    digest = hashlib.sha256(data).hexdigest()
    # If the encoding was damaged, the worker may have decoded more, as it got other pieces.
    if digest != row.sha256 and (row.sha256 is not None or row.truncated is not True):
        raise _other_body(out, row)
    return Body(digest, len(data), data)


def _other_body(out: Path, row: Result) -> DamageError:
    return DamageError(
        f"{out}: the body of line {row.line} is not the one that its row says; "
        f"`fetcher verify {out}` says more"
    )


_READERS: Final[dict[Bodies, Callable[[Path, Result], Body | None]]] = {
    "none": lambda _out, _row: None,
    "inline": _in_row,
    "files": _in_file,
}
