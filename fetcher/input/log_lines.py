"""The lines of a crawl's log: JSON objects that only the sink writes.

Line n of the log is line n of the job. Every line gives exactly one task, and nothing is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from fetcher.error_kinds import ErrorKind
from fetcher.input import request_fields
from fetcher.input.request_fields import LineError
from fetcher.model import Fault, Found, Task


class LogLine(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of the log; the defaults are those of a seed."""

    url: str
    found_on: int = msgspec.field(name="from", default=0)
    depth: int = 0
    via: str = "seed"
    hops: int = 0
    priority: int = 0  # higher: sooner, among the lines of its host
    route: str = ""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None  # base64 in the log
    id: str | int | None = None
    foreign: bool = False  # on a host that is not a seed's; see frontier.scope
    fault: Fault | None = None  # of a seed's line in the list of seeds


# A handler's link may have a body; frontier.links bounds it, so that no line comes near this.
MAX_BYTES: Final = 4 * 1024 * 1024
encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(LogLine).decode
_BEGIN: Final = b'{"url":"'  # of each line
_UNCHANGED: Final = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\')  # by JSON


class _Url(msgspec.Struct):
    url: str


class Waiting(msgspec.Struct, gc=False):
    """What decides when a line is handed out; see LogLine."""

    url: str
    depth: int = 0
    priority: int = 0
    route: str = ""


_decode_url: Final = msgspec.json.Decoder(_Url).decode
decode_waiting: Final = msgspec.json.Decoder(Waiting).decode


def encode_alike(urls: Sequence[bytes], like: LogLine) -> bytes:
    """The lines of these URLs in UTF-8, with line feeds; apart from the URLs, all are as `like`.

    As `encode` for each of them, but faster.
    """
    joined = b"".join(urls)
    if len(joined.translate(None, _UNCHANGED)):
        texts = [url.decode("utf-8", "surrogatepass") for url in urls]
        return b"".join([encode(replace(like, url=text)) + b"\n" for text in texts])
    # In JSON, these URLs are as they are.
    end = encode(replace(like, url="")).removeprefix(_BEGIN) + b"\n"
    return _BEGIN + (end + _BEGIN).join(urls) + end if urls else b""


def url_of(raw: bytes) -> str:
    """The URL of a line that the sink wrote; the same as `decode` says, but faster."""
    return _decode_url(raw).url


def task_of(line: int, raw: bytes) -> Task:
    """The task of a line of the log."""
    try:
        entry = decode(raw)
    except (ValueError, RecursionError) as error:
        said = ErrorKind.LINE_RECORD.fault(f"not a line of a crawl's log: {error}")
        return Task(line, request_fields.raw(raw.decode("utf-8", "backslashreplace")), said)
    found = Found(entry.depth, entry.found_on, entry.via, entry.hops)
    if entry.fault is not None:
        return Task(line, entry.url, entry.fault, id=entry.id, found=found)
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    if entry.method != "GET" or entry.headers:  # of few lines
        try:
            method = request_fields.method(entry.method)
            headers = request_fields.headers([list(pair) for pair in entry.headers])
        except LineError as error:
            return Task(line, entry.url, error.fault, id=entry.id, found=found)
    # Names without a tuple of positions before them cost half as much.
    return Task(
        line,
        entry.url,
        method=method,
        headers=headers,
        body=entry.body,
        id=entry.id,
        found=found,
        route=entry.route,
        is_foreign=entry.foreign,
        priority=entry.priority,
    )


def seed_of(task: Task) -> bytes:
    """The line of the log for a line of the list of seeds; an invalid one gets its row, too."""
    seed = LogLine(
        url=task.url,
        route=task.route,
        method=task.method,
        headers=task.headers,
        body=task.body,
        id=task.id,
        fault=task.fault,
    )
    return encode(seed)
