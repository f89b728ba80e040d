"""WARC/1.1 records, one gzip member each, by warcio; only jobs that keep WARC files come here.

What differs from the wire: transfer coding is undone (its header is renamed, as web archives do),
and credentials of requests are left out. https://iipc.github.io/warc-specifications/
"""

from __future__ import annotations

import datetime
import gzip
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from fetcher import __version__
from fetcher.model import Outcome

_VERSION: Final = "WARC/1.1"
_LEVEL: Final = 6  # of gzip: warcio's own 9 takes three times as long for a few percent
_SECRET: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
_TRUNCATED: Final = {Outcome.TOO_LARGE: "length", Outcome.TIMEOUT: "time"}


class Exchange(Protocol):
    """See fetcher.net.tape.Tape."""

    url: str
    began: float
    request: bytes
    head: list[bytes]
    remote_ip: str | None
    is_whole: bool

    @property
    def body(self) -> bytes:
        """As received, content coding included."""


def warcinfo(name: str) -> bytes:
    """The record that a file of this name begins with."""
    writer = _writer()
    info = {
        "software": f"fetcher/{__version__}",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    }
    return _packed(writer, writer.create_warcinfo_record(name, info))


def records(exchanges: Sequence[Exchange], outcome: Outcome) -> tuple[bytes, str] | None:
    """All records of a fetch, the last response first, and that one's WARC-Record-ID.

    Exchanges without an answer leave nothing; None where none has one.
    """
    answered = [each for each in exchanges if each.head]
    if not answered:
        return None
    pieces: list[bytes] = []
    first_id = ""
    for exchange in reversed(answered):
        is_last = exchange is answered[-1]
        # A redirect's body is not read to its end.
        reason = _TRUNCATED.get(outcome, "disconnect") if is_last else "unspecified"
        cut = "" if exchange.is_whole else reason
        piece, record_id = _pair(exchange, cut)
        pieces.append(piece)
        first_id = first_id or record_id
    return b"".join(pieces), first_id


def _pair(exchange: Exchange, cut: str) -> tuple[bytes, str]:
    """The response and its request, and the response's id."""
    writer = _writer()
    at = datetime.datetime.fromtimestamp(exchange.began, datetime.UTC)
    common = {"WARC-Date": at.isoformat(timespec="microseconds").replace("+00:00", "Z")}
    if exchange.remote_ip:
        common["WARC-IP-Address"] = exchange.remote_ip
    body = exchange.body
    response = writer.create_warc_record(
        exchange.url,
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=_response_head(exchange.head, len(body)),
        warc_headers_dict=common | ({"WARC-Truncated": cut} if cut else {}),
    )
    packed = _packed(writer, response)
    record_id: str = response.rec_headers.get_header("WARC-Record-ID")
    if exchange.request:
        head, _, sent = exchange.request.partition(b"\r\n\r\n")
        request = writer.create_warc_record(
            exchange.url,
            "request",
            payload=io.BytesIO(sent),
            length=len(sent),
            http_headers=_request_head(head),
            warc_headers_dict=common | {"WARC-Concurrent-To": record_id},
        )
        packed += _packed(writer, request)
    return packed, record_id


def _writer() -> Any:
    return WARCWriter(io.BytesIO(), gzip=False, warc_version=_VERSION)


def _packed(writer: Any, record: Any) -> bytes:
    writer.out.seek(0)
    writer.out.truncate()
    writer.write_record(record)
    return gzip.compress(writer.out.getvalue(), _LEVEL, mtime=0)


def _response_head(lines: Iterable[bytes], length: int) -> StatusAndHeaders:
    first, *others = [line.decode("latin-1").rstrip("\r\n") for line in lines]
    protocol, _, status = first.partition(" ")
    headers = []
    for name, value in _fields(others):
        kind = name.lower()
        if kind == "transfer-encoding":
            headers.append((f"X-Orig-{name}", value))
        elif kind != "content-length":
            headers.append((name, value))
    headers.append(("Content-Length", str(length)))
    return StatusAndHeaders(status, headers, protocol=protocol)


def _request_head(head: bytes) -> StatusAndHeaders:
    first, *others = head.decode("latin-1").split("\r\n")
    headers = [(n, v) for n, v in _fields(others) if n.lower() not in _SECRET]
    return StatusAndHeaders(first, headers, is_http_request=True)


def _fields(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()
