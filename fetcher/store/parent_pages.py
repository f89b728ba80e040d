"""The answers of the earlier job, as the workers of a refresh use them.

A page can stand for a 304 only if the refresh can keep all that it would keep of a new answer: the
body in its own form, and the links. Otherwise it has no conditions, and is fetched in full.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.frontier.links import Link
from fetcher.model import Outcome, Result, Task
from fetcher.protocol.output_spec import Bodies
from fetcher.rows.body_names import parsed
from fetcher.rows.forms import CODECS
from fetcher.rows.inline import body_of
from fetcher.store.parent_files import RECORDS_NAME, ROWS_NAME
from fetcher.store.parent_index import ParentIndex, load_index
from fetcher.store.pieces import Pieces

if TYPE_CHECKING:
    from fetcher.store.parent_crawl import ParentLines
    from fetcher.store.parent_links import ParentLinks

log = logging.getLogger(__name__)

_OK: Final = 200
_NOT_MODIFIED: Final = 304
_MAX_VALIDATOR_CHARS: Final = 1024
_CONDITIONS: Final = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
# They are of the body or the connection, and a 304 has neither (RFC 9111, 3.2).
_NOT_UPDATED: Final = frozenset(
    {"content-type", "content-encoding", "content-length", "content-range", "transfer-encoding"}
    | {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}
    # It said which links are followed, and these are taken over.
    | {"x-robots-tag"}
)
_HEAD_BYTES: Final = 4096  # of a WARC record: its own headers are shorter
_Pairs = Sequence[tuple[str, str]]


class ParentPage:
    """A complete answer of the earlier job; implements fetch.interface.Previous."""

    def __init__(self, pages: ParentPages, row: Result, part: int) -> None:
        """`part`: the index of its OUT."""
        self.row = row
        self.url = row.final_url or row.url
        self.body: bytes | None = None
        self.records = b""  # WARC records, once loaded
        self.links: list[Link] = []  # of a crawl, once loaded
        self._pages = pages
        self._part = part
        self.conditions = _conditions(row) if pages.can_stand(row) else ()
        self.etag = next((value for name, value in self.conditions if name == "If-None-Match"), "")

    def load(self) -> bool:
        """See fetch.interface.Previous."""
        try:
            self.body, self.records = self._pages.kept_of(self.row, self._part)
            self.links = self._pages.links_of(self.row)
        except (DamageError, OSError, ValueError) as error:
            log.warning(
                "%s: fetched in full, as the earlier job cannot be read (%s)", self.url, error
            )
            return False
        return True

    def confirmed(self, result: Result) -> Result:
        """The row of a 304 that confirms this page."""
        row = self.row
        return replace(
            result,
            error=row.error,  # such as what could not be read of its links
            headers=updated(row.headers, result.headers),
            content_type=row.content_type,
            body_bytes=row.body_bytes,
            sha256=row.sha256,
            unchanged=True,
            title=row.title,
            extra=row.extra,
        )

    def compared(self, result: Result) -> Result:
        """The row of a new answer: it says so if the body is the same."""
        is_same = result.outcome is Outcome.OK and result.sha256 == self.row.sha256
        return replace(result, unchanged=True) if is_same else result


class ParentPages:
    """Finds the page of a line. Raises DamageError."""

    def __init__(self, folder: Path, bodies: Bodies) -> None:
        """`folder`: see store.parent_files; `bodies`: how the refresh keeps them."""
        index = self._index = load_index(folder)
        self._bodies = bodies
        self._outs = [Path(out) for out in index.outs]
        with contextlib.ExitStack() as opened:
            self._rows = Pieces(folder / ROWS_NAME, [file.path for file in index.rows])
            opened.callback(self._rows.close)
            self._records: Pieces | None = None
            if bodies == "warc" and index.records:
                self._records = Pieces(folder / RECORDS_NAME, index.records)
                opened.callback(self._records.close)
            self._lines: ParentLines | None = None
            self._links: ParentLinks | None = None
            if index.crawl is not None:
                self._open_crawl(folder, index, opened)
            self._opened = opened.pop_all()

    def _open_crawl(self, folder: Path, index: ParentIndex, opened: contextlib.ExitStack) -> None:
        # Only crawls import numpy.
        from fetcher import lean_numpy  # noqa: F401, PLC0415 (before all that imports numpy)
        from fetcher.store.parent_crawl import ParentLines  # noqa: PLC0415
        from fetcher.store.parent_links import ParentLinks  # noqa: PLC0415

        self._lines = ParentLines(folder, index)
        self._links = ParentLinks(folder, index, self._lines.texts)
        opened.callback(self._links.close)

    def close(self) -> None:
        self._opened.close()

    def of(self, task: Task) -> ParentPage | None:
        """The page of a line; None if that job has no complete answer of it. Raises nothing."""
        try:
            for line in self._lines_of(task):
                found = self._row(line)
                if found is not None and self._is_of(found[0], task):
                    return ParentPage(self, *found)
        # It can be fetched in full whatever is wrong here.
        except (DamageError, OSError, msgspec.MsgspecError, ValueError) as error:
            log.warning("%s: the earlier job cannot be read (%s)", task.url, error)
        return None

    def _lines_of(self, task: Task) -> Iterable[int]:
        if self._lines is None:
            return (task.line,)
        return self._lines.of(task.url) if task.method == "GET" and task.body is None else ()

    def _is_of(self, row: Result, task: Task) -> bool:
        if self._lines is None:
            return row.url == task.url
        return self._lines.texts.of(row.url) == self._lines.texts.of(task.url)

    def _row(self, line: int) -> tuple[Result, int] | None:
        piece, number = self._rows.piece_of(line)
        if not piece:
            return None
        file = self._index.rows[number]
        row = CODECS[file.form].decode(piece)
        return (row, file.part) if row.line == line else None

    # -- whether a page can stand for an answer ----------------------------------------------

    def can_stand(self, row: Result) -> bool:
        """Whether all that the refresh keeps can be taken from that job."""
        is_page = row.status == _OK or (row.status == _NOT_MODIFIED and row.unchanged is True)
        if not (self._index.is_conditional and is_page):
            return False
        match self._bodies:
            case "none":
                return True
            case "warc":
                return self._records is not None and _is_original(self._records.of(row.line), row)
            case _:
                return row.body is not UNSET or row.body_file is not UNSET

    def kept_of(self, row: Result, part: int) -> tuple[bytes | None, bytes]:
        """The body and the WARC records. Raises DamageError, OSError, ValueError."""
        if self._bodies == "none":
            return None, b""
        if self._bodies == "warc":
            records = self._records.of(row.line) if self._records is not None else b""
            if not _is_original(records, row):
                raise DamageError("its WARC record is not there")
            return None, records
        body = self._body(row, part)
        if hashlib.sha256(body).hexdigest() != row.sha256:
            raise DamageError("its body is not the one that its row says")
        return body, b""

    def _body(self, row: Result, part: int) -> bytes:
        if isinstance(row.body, str) and isinstance(row.body_is, str):
            return body_of(row.body, row.body_is, row.content_type)
        named = parsed(row.body_file) if isinstance(row.body_file, str) else None
        if named is None:
            raise DamageError("its body is not there")
        return (self._outs[part] / named.path).read_bytes()

    def links_of(self, row: Result) -> list[Link]:
        """The links of a page of a crawl. Raises DamageError."""
        return [] if self._links is None else self._links.of(row.line)


def updated(old: _Pairs, new: _Pairs) -> list[tuple[str, str]]:
    """The headers of a page after a 304 with the new ones."""
    news = [(name, value) for name, value in new if name.lower() not in _NOT_UPDATED]
    names = {name.lower() for name, _ in news}
    return [*((name, value) for name, value in old if name.lower() not in names), *news]


def _conditions(row: Result) -> tuple[tuple[str, str], ...]:
    return tuple(_validators(row.headers))


def _validators(headers: _Pairs) -> Iterator[tuple[str, str]]:
    for wanted, condition in _CONDITIONS:
        values = {value for name, value in headers if name.lower() == wanted}
        value = values.pop() if len(values) == 1 else ""
        # They go back as they came; what cannot be sent so is left out.
        if value and len(value) <= _MAX_VALIDATOR_CHARS and value.isascii() and value.isprintable():
            yield condition, value


def _is_original(records: bytes, row: Result) -> bool:
    """Whether these records begin with the response of the row, and not with a revisit."""
    try:
        head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(records, _HEAD_BYTES)
    except zlib.error:
        return False
    lines = head.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    record_id = str(row.warc_id).lower().encode()
    return b"warc-type: response" in lines and b"warc-record-id: " + record_id in lines
