"""OUT/bodies/index.cdxj: an index of the pages in the WARC files, for programs that replay them.

It is built from committed bytes only, after the last row was committed, and is written as a whole
before the job is complete; after a crash it is built again. Only responses to GET are pages. Only
this module knows the format of a line: SURT, time, and a JSON object.
https://specs.webrecorder.net/cdxj/0.1.0/
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fetcher.rows.body_names import BODIES_NAME
from fetcher.store.bodies import warc_names
from fetcher.store.disk import replacing
from fetcher.store.line_sorter import LineSorter
from fetcher.store.reader import Committed

CDXJ_NAME: Final = "index.cdxj"
_PAGES: Final = frozenset({"response", "revisit"})
_NO_DIGIT: Final = re.compile(r"\D")
_PARAMETERS: Final = re.compile(r"[;\s]")
_TIME_DIGITS: Final = 14  # to the second


class PageLines:
    """Makes the index lines of one WARC file from its records, in their order."""

    def __init__(self, name: str) -> None:
        # It is slow to load, and only jobs with WARC files need it.
        from surt import surt  # noqa: PLC0415

        self._surt = surt
        self._name = name
        self._waiting = b""  # the line of a response whose request has not come yet
        self._waiting_id = ""

    def see(self, record: Any, offset: int, length: int) -> bytes:
        """Take a record; returns the index line that is now certain, or b""."""
        line = b"" if self._is_other_request(record) else self._waiting
        self._waiting = b""
        if record.rec_type in _PAGES and record.http_headers is not None:
            self._waiting = self._line(record, offset, length)
            self._waiting_id = record.rec_headers.get_header("WARC-Record-ID")
        return line

    def end(self) -> bytes:
        """The last line, or b""."""
        return self._waiting

    def _is_other_request(self, record: Any) -> bool:
        """Whether this request shows that the waiting response does not answer a GET."""
        if record.rec_type != "request":
            return False
        response_id = record.rec_headers.get_header("WARC-Concurrent-To")
        return bool(response_id == self._waiting_id and record.http_headers.protocol != "GET")

    def _line(self, record: Any, offset: int, length: int) -> bytes:
        headers, http = record.rec_headers, record.http_headers
        url = headers.get_header("WARC-Target-URI")
        mime = _PARAMETERS.split(http.get_header("Content-Type", "").strip(), maxsplit=1)[0]
        page = {
            "url": url,
            "mime": "warc/revisit" if record.rec_type == "revisit" else mime or "unk",
            "status": http.get_statuscode(),
            "digest": headers.get_header("WARC-Payload-Digest"),
            "length": str(length),
            "offset": str(offset),
            "filename": self._name,
        }
        at = _NO_DIGIT.sub("", headers.get_header("WARC-Date"))[:_TIME_DIGITS]
        return f"{self._key(url)} {at} {json.dumps(page)}\n".encode("utf-8", "replace")

    def _key(self, url: str) -> str:
        key = url
        # surt fails on some unusual URLs; then the URL itself is the key.
        with contextlib.suppress(Exception):
            key = self._surt(url)
        return "".join(f"%{ord(c):02X}" if c.isspace() else c for c in key)


def build(out: Path, lengths: Mapping[str, int]) -> Iterator[None]:
    """Build the index; yields after each record, so that the caller can do other work.

    `lengths`: committed bytes of each segment, by name. Raises NoSpaceError, and DamageError if a
    file differs from what was written.
    """
    directory = out / BODIES_NAME
    with LineSorter(directory) as sorter:
        for line in _lines(out, lengths):
            if line:
                sorter.add(line)
            yield
        with replacing(directory / CDXJ_NAME) as file:
            for line in sorter.lines():
                file.write(line)
                yield


def _lines(out: Path, lengths: Mapping[str, int]) -> Iterator[bytes]:
    """An index line, or b"", for each record."""
    from warcio.archiveiterator import ArchiveIterator  # noqa: PLC0415

    for name in warc_names(lengths):
        lines = PageLines(Path(name).name)
        with Committed(out / name, lengths[name]) as file:
            records: Any = ArchiveIterator(file)
            for record in records:
                # The length is known only after the whole record was read.
                offset = records.get_record_offset()
                yield lines.see(record, offset, records.get_record_length())
        yield lines.end()
