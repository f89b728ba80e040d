"""What a worker keeps of a fetch beside its result, as the job's output.bodies says."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from fetcher.core.output import Bodies, body_path
from fetcher.model import Outcome, Result
from fetcher.net.fetch import Fetch
from fetcher.net.tape import Keep

log = logging.getLogger(__name__)

NEEDED: Final[dict[Bodies, Keep]] = {
    "none": Keep.NOTHING,
    "inline": Keep.BODY,
    "files": Keep.BODY,
    "warc": Keep.WIRE,
}


def keep(bodies: Bodies, result: Result, fetch: Fetch | None) -> tuple[Result, bytes]:
    """The result that says where the body is, and what goes beside its row.

    `fetch` is None where none was begun.
    """
    try:
        return _kept(bodies, result, fetch)
    # What a server sent must not cost the line its row, nor its worker.
    except Exception as error:
        log.exception("what line %d brought cannot be kept", result.line)
        said = " ".join(f"its body cannot be kept: {type(error).__name__}: {error}".split())
        return msgspec.structs.replace(result, outcome=Outcome.PROTOCOL, error=said), b""


def _kept(bodies: Bodies, result: Result, fetch: Fetch | None) -> tuple[Result, bytes]:
    if bodies == "warc":
        return _archived(result, fetch)
    body: bytes | None = fetch.body if fetch else None
    if body is None or result.sha256 is None:  # an answer that is not whole
        return result, b""
    if bodies == "files":
        # One that is empty needs no file.
        path = body_path(result.sha256) if body else msgspec.UNSET
        return msgspec.structs.replace(result, body_file=path), body
    from fetcher.encode.inline import inline  # noqa: PLC0415

    text, kind = inline(body, result.content_type)
    return msgspec.structs.replace(result, body=text, body_is=kind), b""


def _archived(result: Result, fetch: Fetch | None) -> tuple[Result, bytes]:
    # warcio is for such jobs only.
    from fetcher.encode import warc  # noqa: PLC0415

    made = warc.records(fetch.tapes if fetch else (), result.outcome)
    if made is None:
        return result, b""
    return msgspec.structs.replace(result, warc_id=made[1]), made[0]
