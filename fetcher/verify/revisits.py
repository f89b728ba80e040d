"""Checks that each revisit in the WARC files refers to a record that is there.

There may be as many records as rows, so they are sorted on disk and then compared: memory is flat.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

from fetcher.store.line_sorter import LineSorter

_ORIGINAL: Final = b"0"  # sorts before _REVISIT
_REVISIT: Final = b"1"


class RevisitCheck:
    """Takes all records; then names those that are missing. Raises NoSpaceError, DamageError."""

    def __enter__(self) -> Self:
        self._sorter = LineSorter(Path(tempfile.gettempdir()))
        self._has_revisits = False
        return self

    def __exit__(self, *_: object) -> None:
        self._sorter.__exit__(None, None, None)

    def add(self, record: Any) -> None:
        """Note a record of warcio; only whole responses and revisits count."""
        header = record.rec_headers.get_header
        if record.rec_type == "response" and not header("WARC-Truncated"):
            self._note(header, "WARC-", _ORIGINAL)
        elif record.rec_type == "revisit":
            self._has_revisits = True
            self._note(header, "WARC-Refers-To-", _REVISIT)

    def _note(self, header: Callable[[str], str | None], prefix: str, kind: bytes) -> None:
        digest = header("WARC-Payload-Digest")
        url, date = header(f"{prefix}Target-URI"), header(f"{prefix}Date")
        self._sorter.add(f"{date} {digest} {url} ".encode("utf-8", "replace") + kind + b"\n")

    def missing(self) -> Iterator[str]:
        """The missing records to which revisits refer."""
        if not self._has_revisits:
            return
        original = b""
        for line in self._sorter.lines():
            record, kind = line[:-2], line[-2:-1]
            if kind == _ORIGINAL:
                original = record
            elif record != original:
                yield record.decode("utf-8", "replace").strip()
