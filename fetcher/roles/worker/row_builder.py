"""Builds the row of a finished line, and the body or WARC records that are kept with it.

A row is always made, whatever the server sent and whatever a handler does. If a body cannot be
kept, its row says so and is kept without it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.interface import Fetch
from fetcher.fetch.unexpected import Defects, one_line
from fetcher.frontier.links import Link
from fetcher.model import Result, Task
from fetcher.protocol import codec
from fetcher.protocol.output_spec import Bodies, Output
from fetcher.rows import archive
from fetcher.rows.body_names import body_file
from fetcher.rows.forms import CODECS
from fetcher.settings.schema import Worker

if TYPE_CHECKING:
    from fetcher.roles.worker.page_reader import PageReader
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


class Made(msgspec.Struct, frozen=True, gc=False):
    """A result as it is recorded, and its encoded row.

    `body`: its body or WARC records; `links`: those of its page in a crawl; b"": none.
    """

    result: Result
    row: bytes
    body: bytes
    links: bytes = b""


class RowBuilder:
    """Builds the rows of a worker. Raises ConfigError if its handler cannot be loaded."""

    def __init__(self, settings: Worker) -> None:
        self._handler = None
        if settings.handler:
            # Imported only if needed, as it takes the process's alarm signal.
            from fetcher.roles.worker.handler import Handler  # noqa: PLC0415

            self._handler = Handler(settings)
        self._defects = Defects(log)

    def needed(self, bodies: Bodies, *, crawls: bool = False) -> Keep:
        """Return what a fetch must keep of its answer."""
        return _NEEDED[bodies] | (Keep.BODY if self._handler or crawls else Keep.NOTHING)

    def encoder(self, output: Output) -> Callable[[Result], bytes] | None:
        """The function that encodes a result, without bodies and a handler; None: use `make`."""
        if self._handler is not None or output.bodies != "none":
            return None
        return CODECS[output.rows].encode

    def make(
        self,
        output: Output,
        result: Result,
        task: Task,
        fetch: Fetch | None,
        warcinfo_id: str = "",
        reader: PageReader | None = None,
        sitemaps: Sequence[str] = (),
        confirmed: ParentPage | None = None,
        *,
        is_long: bool = False,
    ) -> Made:
        """Build a row.

        `fetch`: None if none has begun; `warcinfo_id`: for the WARC records. In a crawl: `reader`
        reads the page, and `sitemaps` are those that its row proposes; `is_long`: its caller has
        the turn to read a long page. `confirmed`: the page of the earlier job that the answer says
        is still right.
        """
        kept = links = b""
        if confirmed is not None:
            result = confirmed.confirmed(result)
        if output.bodies == "warc" and confirmed is not None:
            result, kept = _copied(output, result, confirmed)
        elif output.bodies != "none":
            try:
                result, kept = _kept(output, result, fetch, warcinfo_id)
            # Whatever the server sent, the line gets its row, and the worker lives on.
            except Exception as error:
                self._defects.log("what line %d brought cannot be kept", result.line)
                result = _without_body(result, one_line(error))
        # Neither a handler nor a crawl may take half a page for a whole one.
        body = whole_body(result, fetch)
        found, handled = None, list[Link]()
        if reader is not None and confirmed is None:
            result, found = reader.read(result, task, body, is_long=is_long)
        if self._handler is not None and confirmed is None:
            result, handled = self._handler.handle(result, body, task, in_crawl=reader is not None)
        if reader is not None and found is not None:
            links = reader.pack(result, task, found, sitemaps, handled)
        elif reader is not None and confirmed is not None:
            links = reader.pack_again(result, task, confirmed.links, sitemaps)
        encode = CODECS[output.rows].encode
        row = encode(result)
        if len(row) + len(kept) + len(links) > _MAX_BYTES:
            said = f"more than {_MAX_BYTES} bytes with its row"
            result, kept = _without_body(result, said), b""
            row = encode(result)
        return Made(result, row, kept, links)


def whole_body(result: Result, fetch: Fetch | None) -> bytes | None:
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
