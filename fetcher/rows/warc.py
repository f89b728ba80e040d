"""Makes WARC/1.1 records by warcio, one gzip member each, for jobs that keep WARC files.

Records differ from the wire in three points. Transfer coding is undone: its header, and a length
that is not the record's, get another name. Requests lose their cookies and Authorization. HTTP/2
and HTTP/3 are written as HTTP/1.1, the only version with such lines; WARC-Protocol names the real
one.
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
_ORIGINAL: Final = b"X-Orig-"  # prefix of headers that are not true of the record
_VISIBLE: Final = re.compile(rb"[!-~]")
_LINE_VERSION: Final = b"HTTP/1.1"
# Versions in first lines that are newer than HTTP/1, and their ALPN names.
_PROTOCOLS: Final = {b"HTTP/2": "h2", b"HTTP/2.0": "h2", b"HTTP/3": "h3"}
_TRUNCATED: Final = {Outcome.TOO_LARGE: "length", Outcome.TIMEOUT: "time"}


class Exchange(Protocol):
    """See fetcher.fetch.body.capture.Capture."""

    url: str
    began: float
    request: bytes
    head: list[bytes]
    remote_ip: str | None
    is_whole: bool
    was_stopped: bool

    @property
    def body(self) -> bytes:
        """The body as received, content coding included."""


def warcinfo(name: str, record_id: str) -> bytes:
    """Make the first record of a file of this name."""
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
    """Make the records of a fetch; None if no exchange has an answer.

    `warcinfo_id`: the id of the file's first record. `with_revisits`: add to each response the
    revisit that may replace it, if its body is kept already.
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
    """Make the records of a response and its request."""
    writer = _writer()
    common = _common(exchange, warcinfo_id)
    body = exchange.body
    asked, _, sent = exchange.request.partition(b"\r\n\r\n")
    # The Content-Length of an answer to HEAD is that of the answer to GET.
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
    may_be_known = with_revisit and body and not cut
    members = [
        _replaceable(response, head, common, len(data)) if may_be_known else Member(len(data))
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
    """The headers that both records of an exchange have."""
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
    """Describe a response, with the revisit of the same id that may replace it."""
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
    """The one writer: all that it writes is taken out of it at once."""
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
    """Lines as they were sent: warcio would escape non-ASCII bytes, and fails on some of them."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        super().__init__("", [])
        self.headers_buff = b"".join([line + b"\r\n" for line in lines]) + b"\r\n"

    def __bool__(self) -> bool:
        return True

    def compute_headers_buffer(self, header_filter: object = None) -> None:
        """The buffer exists already."""


def _response_lines(head: Sequence[bytes], length: int | None) -> Iterator[bytes]:
    """Yield a head for a body of this length, whatever the server declared."""
    has_length = False
    first, *rest = head
    yield _first_line(first)
    for line in rest:
        if not _VISIBLE.search(line):
            continue  # to some readers it would be the end of the head
        name, _, value = line.partition(b":")
        kind = name.strip().lower()
        text = line.rstrip(b"\r\n")
        if kind == b"content-length" and length is not None:
            if has_length or value.strip() != b"%d" % length:
                yield _ORIGINAL + text
            else:
                has_length = True
                yield text
        else:
            yield _ORIGINAL + text if kind == b"transfer-encoding" else text
    if not has_length and length is not None:
        yield b"Content-Length: %d" % length


def _first_line(line: bytes) -> bytes:
    """The status or request line; one of HTTP/2 in the form of HTTP/1.1."""
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
