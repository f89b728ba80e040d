"""Checks that each revisit refers to a record that stands before it in the same WARC files.

Law: memory stays flat, as there may be as many records as rows: they are sorted in files, then
compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from fetcher.store.line_sorter import LineSorter

_ORIGINAL: Final = b"0"  # sorts before
_REVISIT: Final = b"1"


class Originals:
    """Collects the records, in the order of the files; then names what is missing."""

    def __enter__(self) -> Self:
        self._sorter = LineSorter(Path(tempfile.gettempdir()))
        self._has_revisits = False
        return self

    def __exit__(self, *_: object) -> None:
        self._sorter.__exit__(None, None, None)

    def see(self, record: Any) -> None:
        """Note a record; only responses and revisits count."""
        said = record.rec_headers.get_header
        if record.rec_type == "response" and not said("WARC-Truncated"):
            self._add(said("WARC-Payload-Digest"), said, "WARC-", _ORIGINAL)
        elif record.rec_type == "revisit":
            self._has_revisits = True
            self._add(said("WARC-Payload-Digest"), said, "WARC-Refers-To-", _REVISIT)

    def _add(self, digest: str | None, said: Any, prefix: str, kind: bytes) -> None:
        url, date = said(f"{prefix}Target-URI"), said(f"{prefix}Date")
        self._sorter.add(f"{date} {digest} {url} ".encode("utf-8", "replace") + kind + b"\n")

    def missing(self) -> Iterator[str]:
        """The records to which revisits refer and that are missing."""
        if not self._has_revisits:
            return
        there = b""
        for line in self._sorter.lines():
            what, kind = line[:-2], line[-2:-1]
            if kind == _ORIGINAL:
                there = what
            elif what != there:
                yield what.decode("utf-8", "replace").strip()
