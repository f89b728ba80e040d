"""WARC/1.1 records, one gzip member each, by warcio; only jobs that keep WARC files come here.

What differs from the wire: transfer coding is undone (its header, and a length that is not the
record's, get another name), requests' cookies and Authorization are left out, and what came by
HTTP/2 or 3 is written as HTTP/1.1, which alone has such lines (WARC-Protocol says what it was).
https://iipc.github.io/warc-specifications/
"""

from __future__ import annotations

import datetime
import functools
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from fetcher import __version__
from fetcher.model import Outcome
from fetcher.rows.archive import Member

_VERSION: Final = "WARC/1.1"
# Of gzip. For a page of 20 KB, 6 takes three times as long and saves an eighth; 9, warcio's own,
# takes five times as long and saves no more than that.
_LEVEL: Final = 3
_SECRET: Final = frozenset({b"authorization", b"proxy-authorization", b"cookie"})
_ASIDE: Final = b"X-Orig-"  # before the name of a header that is not true of the record
_VISIBLE: Final = re.compile(rb"[!-~]")
_LINE_VERSION: Final = b"HTTP/1.1"
# What a first line names that HTTP/1 does not have, and what ALPN calls it.
_PROTOCOLS: Final = {b"HTTP/2": "h2", b"HTTP/2.0": "h2", b"HTTP/3": "h3"}
_TRUNCATED: Final = {Outcome.TOO_LARGE: "length", Outcome.TIMEOUT: "time"}


class Exchange(Protocol):
    """See fetcher.fetch.http.capture.Capture."""

    url: str
    began: float
    request: bytes
    head: list[bytes]
    remote_ip: str | None
    is_whole: bool
    was_stopped: bool

    @property
    def body(self) -> bytes:
        """As received, content coding included."""


def warcinfo(name: str, record_id: str) -> bytes:
    """The record that a file of this name begins with."""
    writer = _writer()
    info = {
        "software": f"fetcher/{__version__}",
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
    }
    record = writer.create_warcinfo_record(name, info)
    record.rec_headers.replace_header("WARC-Record-ID", record_id)
    return _packed(writer, record)


class Records(NamedTuple):
    """All records of a fetch, the last response first, and that one's WARC-Record-ID."""

    members: list[Member]
    data: bytes
    first_id: str


def records(
    exchanges: Sequence[Exchange],
    outcome: Outcome,
    warcinfo_id: str,
    *,
    with_revisits: bool = False,
) -> Records | None:
    """What a fetch leaves; exchanges without an answer leave nothing. None where none has one.

    `warcinfo_id`: of the record that says what made them. `with_revisits`: a response whose body
    may be there already has along what would stand in its place.
    """
    answered = [each for each in exchanges if each.head]
    if not answered:
        return None
    made = Records([], b"", "")
    for exchange in reversed(answered):
        is_last = exchange is answered[-1]
        # A redirect's body is not read to its end.
        cut = "" if exchange.is_whole else "unspecified"
        if cut and is_last:
            cut = _TRUNCATED.get(outcome, cut if exchange.was_stopped else "disconnect")
        pair = _pair(exchange, cut, warcinfo_id, with_revisit=with_revisits)
        made = Records(
            made.members + pair.members, made.data + pair.data, made.first_id or pair.first_id
        )
    return made


def _pair(exchange: Exchange, cut: str, warcinfo_id: str, *, with_revisit: bool) -> Records:
    """The response and its request."""
    writer = _writer()
    common = _common(exchange, warcinfo_id)
    body = exchange.body
    asked, _, sent = exchange.request.partition(b"\r\n\r\n")
    # The length that an answer to HEAD names is of another answer.
    length = None if asked.startswith(b"HEAD ") else len(body)
    head = _Head(_response_lines(exchange.head, length))
    response = writer.create_warc_record(
        exchange.url,
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=head,
        warc_headers_dict=common | ({"WARC-Truncated": cut} if cut else {}),
    )
    data = _packed(writer, response)
    record_id: str = response.rec_headers.get_header("WARC-Record-ID")
    may_be_there = with_revisit and body and not cut
    members = [
        _replaceable(response, head, common, len(data)) if may_be_there else Member(len(data))
    ]
    if asked:
        request = writer.create_warc_record(
            exchange.url,
            "request",
            payload=io.BytesIO(sent),
            length=len(sent),
            http_headers=_Head(_request_lines(asked)),
            warc_headers_dict=common | {"WARC-Concurrent-To": record_id},
        )
        packed = _packed(writer, request)
        members.append(Member(len(packed)))
        data += packed
    return Records(members, data, record_id)


def _common(exchange: Exchange, warcinfo_id: str) -> dict[str, str]:
    """What both records of an exchange say."""
    at = datetime.datetime.fromtimestamp(exchange.began, datetime.UTC)
    common = {
        "WARC-Date": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "WARC-Warcinfo-ID": warcinfo_id,
    }
    protocol = _PROTOCOLS.get(exchange.head[0].split(None, 1)[0])
    if protocol:
        common["WARC-Protocol"] = protocol
    if exchange.remote_ip:
        common["WARC-IP-Address"] = exchange.remote_ip
    return common


def _replaceable(response: Any, head: _Head, common: dict[str, str], size: int) -> Member:
    """A response, and the revisit of the same id that may stand in its place."""
    writer, said = _writer(), response.rec_headers.get_header
    url, digest = said("WARC-Target-URI"), said("WARC-Payload-Digest")
    revisit = writer.create_warc_record(
        url,
        "revisit",
        http_headers=head,
        warc_headers_dict=common
        | {
            "WARC-Record-ID": said("WARC-Record-ID"),
            "WARC-Payload-Digest": digest,
            "WARC-Profile": writer.REVISIT_PROFILE_1_1,
        },
    )
    before, profile, after = _written(writer, revisit).partition(
        f"WARC-Profile: {writer.REVISIT_PROFILE_1_1}\r\n".encode()
    )
    return Member(size, digest, url, said("WARC-Date"), before + profile, after)


@functools.cache
def _writer() -> Any:
    """One for all: what it has written is taken out of it at once."""
    return WARCWriter(io.BytesIO(), gzip=False, warc_version=_VERSION)


def _packed(writer: Any, record: Any) -> bytes:
    return gzip.compress(_written(writer, record), _LEVEL, mtime=0)


def _written(writer: Any, record: Any) -> bytes:
    writer.out.seek(0)
    writer.out.truncate()
    writer.write_record(record)
    written: bytes = writer.out.getvalue()
    return written


class _Head(StatusAndHeaders):  # type: ignore[misc]
    """Lines as they were sent: warcio would escape what is not ASCII, and fails on some of it."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        super().__init__("", [])
        self.headers_buff = b"".join([line + b"\r\n" for line in lines]) + b"\r\n"

    def __bool__(self) -> bool:
        return True

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        """It is there already."""


def _response_lines(head: Sequence[bytes], length: int | None) -> Iterator[bytes]:
    """The lines of a head that goes before a body of this length, whatever the server said."""
    told = False
    first, *rest = head
    yield _first_line(first)
    for line in rest:
        if not _VISIBLE.search(line):
            continue  # to some readers it would be the end of the head
        name, _, value = line.partition(b":")
        kind = name.strip().lower()
        text = line.rstrip(b"\r\n")
        if kind == b"content-length" and length is not None:
            if told or value.strip() != b"%d" % length:
                yield _ASIDE + text
            else:
                told = True
                yield text
        else:
            yield _ASIDE + text if kind == b"transfer-encoding" else text
    if not told and length is not None:
        yield b"Content-Length: %d" % length


def _first_line(line: bytes) -> bytes:
    """The status or request line; one of HTTP/2 as HTTP/1.1 would have it."""
    text = line.rstrip(b"\r\n")
    words = text.split(b" ")
    if words[0] in _PROTOCOLS:
        words[0] = _LINE_VERSION
    elif words[-1] in _PROTOCOLS:
        words[-1] = _LINE_VERSION
    return b" ".join(words)


def _request_lines(head: bytes) -> Iterator[bytes]:
    first, *rest = head.split(b"\r\n")
    yield _first_line(first)
    for line in rest:
        if line.partition(b":")[0].lower() not in _SECRET:
            yield line
