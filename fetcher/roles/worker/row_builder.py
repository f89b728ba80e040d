"""Builds the row of a finished line, and the body or WARC records that are kept with it.

A row is always made, whatever the server sent and whatever a handler does. If a body cannot be
kept, its row says so and is kept without it.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET
from msgspec.structs import replace

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.interface import Fetch
from fetcher.fetch.unexpected import Defects, one_line
from fetcher.frontier.links import Link
from fetcher.model import Result, Task
from fetcher.protocol import codec
from fetcher.protocol.output_spec import Bodies, Output
from fetcher.roles.worker.lease_buffer import Made
from fetcher.rows import archive
from fetcher.rows.body_names import body_file
from fetcher.rows.forms import CODECS
from fetcher.settings.schema import Worker

if TYPE_CHECKING:
    from fetcher.roles.worker.handler import Handler
    from fetcher.roles.worker.lines import Line
    from fetcher.roles.worker.page_reader import PageReader
    from fetcher.roles.worker.parent import Parent
    from fetcher.store.parent_pages import ParentPage

log = logging.getLogger(__name__)

_NEEDED: Final[dict[Bodies, Keep]] = {
    "none": Keep.NOTHING,
    "inline": Keep.BODY,
    "files": Keep.BODY,
    "warc": Keep.WIRE,
}
# A message's limit, less room for the rows that the chunk holds already.
_MAX_BYTES: Final = codec.MAX_FRAME_BYTES - 16 * 1024 * 1024


class RowBuilder:
    """Builds the rows of a worker. Raises ConfigError if its handler cannot be loaded."""

    def __init__(self, settings: Worker) -> None:
        self._handler: Handler | None = None
        if settings.handler:
            # Imported only if needed, as it takes the process's alarm signal.
            from fetcher.roles.worker.handler import Handler  # noqa: PLC0415

            self._handler = Handler(settings)
        self._defects = Defects(log)

    def needed(self, bodies: Bodies, *, crawls: bool = False) -> Keep:
        """Return what a fetch must keep of its answer."""
        return _NEEDED[bodies] | (Keep.BODY if self._handler or crawls else Keep.NOTHING)

    def encoder(self, output: Output) -> Callable[[Result], bytes] | None:
        """The function that encodes a result, without bodies and a handler; None: use `maker`."""
        if self._handler is not None or output.bodies != "none":
            return None
        return CODECS[output.rows].encode

    def maker(
        self,
        output: Output,
        warcinfo_id: str = "",
        reader: PageReader | None = None,
        parent: Parent | None = None,
    ) -> Callable[[Line, Result], Made]:
        """The function that makes the rows of a lease.

        `warcinfo_id`: for the WARC records. `reader`: reads the pages of a crawl. `parent`: the
        earlier job of a refresh.
        """
        has_links_alone = self._handler is None and parent is None and output.bodies == "none"
        if reader is not None and has_links_alone:
            return functools.partial(_made_of_page, reader, CODECS[output.rows].encode)
        return _Rows(output, self._handler, self._defects, warcinfo_id, reader, parent).make


class _Rows:
    """The rows of one lease, whatever belongs to them."""

    def __init__(
        self,
        output: Output,
        handler: Handler | None,
        defects: Defects,
        warcinfo_id: str,
        reader: PageReader | None,
        parent: Parent | None,
    ) -> None:
        self._output = output
        self._encode = CODECS[output.rows].encode
        self._handler = handler
        self._defects = defects
        self._warcinfo_id = warcinfo_id
        self._reader = reader
        self._parent = parent

    def make(self, line: Line, result: Result) -> Made:
        task, fetch, reader = line.task, line.fetch, self._reader
        if self._parent is not None:
            confirmed, result = self._parent.compared(line, result)
            if confirmed is not None:
                return self._made_again(task, fetch, result, confirmed)
        # Neither a handler nor a crawl may take half a page for a whole one.
        body = _whole_body(result, fetch)
        found, handled = None, list[Link]()
        if reader is not None:
            # First, as a long page waits for its turn: no copy of the body may wait with it.
            result, found = reader.read(result, line, body)
        result, kept = self._with_body(result, fetch)
        answer = result  # a handler that fails does not say that the site has no sitemaps
        if self._handler is not None:
            result, handled = self._handler.handle(result, body, task, in_crawl=reader is not None)
        links = b""
        if reader is not None and found is not None:
            links = reader.pack(answer, task, found, handled)
        return self._made(result, kept, links)

    def _made_again(
        self, task: Task, fetch: Fetch | None, result: Result, confirmed: ParentPage
    ) -> Made:
        """The row of an answer which says that this page of the earlier job is still right."""
        result, links = confirmed.confirmed(result), b""
        if self._output.bodies == "warc":
            result, kept = _copied(self._output, result, confirmed)
        else:
            result, kept = self._with_body(result, fetch)
        if self._reader is not None:
            links = self._reader.pack_again(result, task, confirmed.links)
        return self._made(result, kept, links)

    def _with_body(self, result: Result, fetch: Fetch | None) -> tuple[Result, bytes]:
        """The result with its body, and what goes with its row; without it, if that fails."""
        if self._output.bodies == "none":
            return result, b""
        try:
            return _kept(self._output, result, fetch, self._warcinfo_id)
        # Whatever the server sent, the line gets its row, and the worker lives on.
        except Exception as error:
            self._defects.log("what line %d brought cannot be kept", result.line)
            return _without_body(result, one_line(error)), b""

    def _made(self, result: Result, kept: bytes, links: bytes) -> Made:
        row = self._encode(result)
        if len(row) + len(kept) + len(links) > _MAX_BYTES:
            said = f"more than {_MAX_BYTES} bytes with its row"
            result, kept = _without_body(result, said), b""
            row = self._encode(result)
        return Made(result, row, kept, links)


def _made_of_page(
    reader: PageReader, encode: Callable[[Result], bytes], line: Line, result: Result
) -> Made:
    """As _Rows.make, of a crawl that has no handler and keeps nothing but rows."""
    result, found = reader.read(result, line, _whole_body(result, line.fetch))
    return Made(result, encode(result), b"", reader.pack(result, line.task, found))


def _whole_body(result: Result, fetch: Fetch | None) -> bytes | None:
    """The body of a finished line, if it is complete."""
    return fetch.body if fetch is not None and result.sha256 is not None else None


def _without_body(result: Result, why: str) -> Result:
    error = f"{result.error}; " if result.error else ""
    return replace(
        result,
        error=f"{error}its body is not kept: {why}",
        body=UNSET,
        body_is=UNSET,
        body_file=UNSET,
        warc_id=UNSET,
    )


def _kept(
    output: Output, result: Result, fetch: Fetch | None, warcinfo_id: str
) -> tuple[Result, bytes]:
    if output.bodies == "warc":
        return _archived(output, result, fetch, warcinfo_id)
    body = fetch.body if fetch is not None and result.body_bytes is not None else None
    if body is None:
        return result, b""
    if output.bodies == "files":
        digest = result.sha256 or hashlib.sha256(body).hexdigest()
        name = body_file(output.body_names, digest, result.content_type, result.final_url)
        return replace(result, body_file=name), body
    from fetcher.rows.inline import inline  # noqa: PLC0415

    text, kind = inline(body, result.content_type)
    return replace(result, body=text, body_is=kind), b""


def _copied(output: Output, result: Result, page: ParentPage) -> tuple[Result, bytes]:
    """The WARC records of the earlier job, as they are."""
    records = page.records
    if output.warc_dedupe:
        records = archive.pack([archive.Member(len(records))], records)
    return replace(result, warc_id=page.row.warc_id), records


def _archived(
    output: Output, result: Result, fetch: Fetch | None, warcinfo_id: str
) -> tuple[Result, bytes]:
    # Only jobs that keep WARC files import warcio.
    from fetcher.rows import warc  # noqa: PLC0415

    made = warc.records(
        fetch.captures if fetch else (),
        result.outcome,
        warcinfo_id,
        with_revisits=output.warc_dedupe,
    )
    if made is None:
        return result, b""
    members, data, record_id = made
    packed = archive.pack(members, data) if output.warc_dedupe else data
    return replace(result, warc_id=record_id), packed
