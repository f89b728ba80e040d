"""Whether each revisit of an archive has the record that it refers to, before it in the same files.

Law: memory stays flat, as there may be as many as rows: all are sorted, and compared then.
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
    """Told of each record, in the order of the files."""

    def __enter__(self) -> Self:
        self._sorter = LineSorter(Path(tempfile.gettempdir()))
        self._has_revisits = False
        return self

    def __exit__(self, *_: object) -> None:
        self._sorter.__exit__(None, None, None)

    def see(self, record: Any) -> None:
        """A record; others than responses and revisits say nothing here."""
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
        """What revisits refer to and is not there."""
        if not self._has_revisits:
            return
        there = b""
        for line in self._sorter.lines():
            what, kind = line[:-2], line[-2:-1]
            if kind == _ORIGINAL:
                there = what
            elif what != there:
                yield what.decode("utf-8", "replace").strip()
