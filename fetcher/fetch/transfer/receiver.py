"""Takes in an answer: libcurl's callbacks for its head and its body.

The callbacks note and count, and never raise: what is wrong with an answer is kept in `_stopped`
and ends the transfer. An answer is bounded by the caps of [http], as received and as decoded;
decoding is ours (see fetch.body.decoding).
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Final

import pycurl
from gevent import get_hub

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.body_blocks import BLOCK_BYTES
from fetcher.fetch.body.body_length import length_to_count
from fetcher.fetch.body.body_limits import body_excess, ratio_excess
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.decoding import Decoder, decoder_for
from fetcher.fetch.body.intake import NOTHING_KEPT, Intake
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import values_of
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.curl_loop import CurlLoop, CurlResult
from fetcher.fetch.transfer.head import NO_HEAD, Head, parse_head
from fetcher.settings.schema import Http

_DRAIN_S: Final = 0.5  # longest wait for the end of a redirect's body
_DRAINED: Final = (-1, "")  # the ending of a redirect whose body was not worth waiting for
UNFRAMED_VERSIONS: Final = (pycurl.CURL_HTTP_VERSION_1_0, pycurl.CURL_HTTP_VERSION_1_1)
_HEAD_ENDS: Final = (b"\r\n", b"\n")
_STOP: Final = -1  # a write callback's answer that ends the transfer
NONE_PLAIN: Final = -1


class Receiver:
    """The receiving side of an exchange; it serves one request after another."""

    # An object with more than 30 attributes and without slots has a dict that is slow.
    __slots__ = (
        *("_account", "_blocks", "_capture", "_decoder", "_digest", "_drain_timer", "_easy"),
        *("_head_bytes", "_head_is_whole", "_http", "_is_counted", "_joins_at", "_length"),
        *("_lines", "_loop", "_max_header_bytes", "_max_plain_bytes", "_method", "_plain_bytes"),
        *("_sink", "_stopped", "_waits_for_memory", "body_bytes", "head", "is_whole"),
        *("redirect_to", "status", "wire_bytes"),
    )

    def __init__(self, loop: CurlLoop, http: Http) -> None:
        self._loop = loop
        self._http = http
        self._max_header_bytes = http.max_header_bytes  # read for each line of each head
        self._max_plain_bytes = min(http.max_wire_bytes, http.max_body_bytes)
        self._easy = pycurl.Curl()
        self._drain_timer: Any = None
        self._clear("", NOTHING_KEPT)

    def _clear(self, method: str, intake: Intake) -> None:
        """Forget the last answer; an answer to this method comes next."""
        self.status = 0
        self.head: Head = NO_HEAD
        self.body_bytes = 0
        self.wire_bytes = 0
        self.redirect_to = ""  # the Location as it was sent
        self.is_whole = False
        self._method = method
        self._capture, self._account = intake.capture, intake.account
        self._blocks = blocks = intake.blocks
        if blocks is None:
            self._sink, self._joins_at = intake.search, math.inf
        else:
            # What takes the decoded body; and its length at which the next block is joined.
            self._sink, self._joins_at = blocks.pieces.append, BLOCK_BYTES
        # Up to this length, a piece of the body needs no look at codings, caps or captures.
        self._plain_bytes = NONE_PLAIN
        self._digest: Any = None  # hashlib's, from the first piece on
        self._decoder: Decoder | None = None
        self._head_is_whole = False
        self._head_bytes = 0
        self._lines: list[bytes] = []  # of a head that is still coming, or of trailers
        self._stopped: Failure | None = None  # why we ended the transfer
        self._length: int | None = None  # where we count the body, as libcurl does not
        self._is_counted = False  # `_length` bytes came
        self._waits_for_memory = False

    def header(self, name: str) -> str | None:
        """The values of one of the notable headers, joined; None for none."""
        head = self.head
        return ", ".join(values_of(head.notable, name)) if name in head.last else None

    # -- its speed, see SpeedWatch -----------------------------------------------------------

    def moved_bytes(self) -> int:
        sent_bytes: int = self._easy.getinfo(pycurl.SIZE_UPLOAD_T)
        return self._head_bytes + self.wire_bytes + sent_bytes

    def waits_for_server(self) -> bool:
        return not self._waits_for_memory and self._easy.getinfo(pycurl.PRETRANSFER_TIME_T) > 0

    def was_heard(self, heard: set[int]) -> bool:
        get = self._easy.getinfo
        if version := get(pycurl.INFO_HTTP_VERSION):
            is_alone = version in UNFRAMED_VERSIONS
        else:
            is_alone = not self._http.http2 or get(pycurl.EFFECTIVE_URL).startswith("http:")
        # What an HTTP/2 connection received may belong to another answer. Its heads come whole.
        return is_alone and get(pycurl.ACTIVESOCKET) in heard

    def cut(self, result: CurlResult) -> None:
        self._loop.cut(self._easy, result)

    # -- the head ----------------------------------------------------------------------------

    def _on_header(self, line: bytes) -> int | None:
        size = len(line)
        self._head_bytes = head_bytes = self._head_bytes + size
        if head_bytes > self._max_header_bytes:
            said = (
                f"more bytes of headers than http.max_header_bytes ({self._http.max_header_bytes})"
            )
            return self._stop(Failure(ErrorKind.PROTOCOL_HEADERS, said))
        if size > 2 or line not in _HEAD_ENDS:
            self._lines.append(line)
            return None
        if self._head_is_whole:
            return None  # the end of the trailers
        lines, self._lines = self._lines, []
        try:
            head = parse_head(lines)
        except Failure as failure:
            return self._stop(failure)
        if head.status < 200:
            return None  # an interim answer, such as 103 Early Hints
        self.status, self.head = head.status, head
        if self._capture is not None:
            self._capture.head = lines
        return self._on_head()

    def _on_head(self) -> int | None:
        """Take in a head that has come as a whole."""
        self._head_is_whole = True
        head = self.head
        if len(head.headers) > self._http.max_headers:
            said = f"more headers than http.max_headers ({self._http.max_headers})"
            return self._stop(Failure(ErrorKind.PROTOCOL_HEADERS, said))
        try:
            if self.status in redirects.STATUSES and "location" in head.last:
                self.redirect_to = redirects.location_of(head.notable)
            self._length = length_to_count(self._method, self.status, head.notable, head.last)
        except Failure as failure:
            return self._stop(failure)
        if self.redirect_to:
            self._drain_timer = get_hub().loop.timer(_DRAIN_S)
            self._drain_timer.start(self._loop.cut, self._easy, _DRAINED)
        if "content-encoding" in head.last and (encodings := self.header("content-encoding")):
            self._decoder = decoder_for(encodings, self._http.max_body_bytes)
        elif self._length is None and self._capture is None and not self.redirect_to:
            self._plain_bytes = self._max_plain_bytes
        return None if self._length is None else self._stop_once_counted()

    def _stop_drain_timer(self) -> None:
        self._drain_timer.stop()
        self._drain_timer.close()
        self._drain_timer = None

    # -- the body ----------------------------------------------------------------------------

    def _on_body(self, data: bytes) -> int | None:
        # libcurl gives the same bytes again once the transfer goes on: nothing is counted before.
        account = self._account
        if account is not None and not account.admit(len(data)):
            return self._pause(account)
        wire_bytes = self.wire_bytes + len(data)
        if wire_bytes > self._plain_bytes:
            return self._take_wire(data)
        self.wire_bytes = wire_bytes
        self._gather(data)
        return None

    def _take_wire(self, data: bytes) -> int | None:
        """Take in a piece as it was received."""
        if self._length is not None:
            data = data[: self._length - self.wire_bytes]
        self.wire_bytes = wire_bytes = self.wire_bytes + len(data)
        if self._capture is not None:
            self._capture.pieces.append(data)
        if self.redirect_to and wire_bytes > self._http.redirect_body_bytes:
            return _STOP
        if wire_bytes > self._http.max_wire_bytes:
            said = f"received more than http.max_wire_bytes ({self._http.max_wire_bytes})"
            return self._stop(Failure(ErrorKind.LARGE_WIRE, said))
        decoder = self._decoder
        verdict = self._take(data) if decoder is None else self._decode(decoder, data)
        return verdict if self._length is None or verdict else self._stop_once_counted()

    def _pause(self, account: Account) -> int:
        self._waits_for_memory = True
        return pycurl.WRITEFUNC_PAUSE

    def _stop_once_counted(self) -> int | None:
        self._is_counted = self.wire_bytes == self._length
        return _STOP if self._is_counted else None

    def _decode(self, decoder: Decoder, data: bytes) -> int | None:
        try:
            for piece in decoder.pieces(data):
                if self._take(piece) is not None:
                    return _STOP
        except Failure as failure:
            return self._stop(failure)
        return None

    def _take(self, piece: bytes) -> int | None:
        """Take in a decoded piece, up to the cap."""
        http = self._http
        is_too_large = self.body_bytes + len(piece) > http.max_body_bytes
        if is_too_large:
            piece = piece[: http.max_body_bytes - self.body_bytes]
        self._gather(piece)
        if self._blocks is not None and self._account is not None and self._decoder is not None:
            self._account.add(len(piece))
        if is_too_large:
            return self._stop(body_excess(http))
        if self._decoder is None:
            return None
        excess = ratio_excess(self.body_bytes, self.wire_bytes, http)
        return None if excess is None else self._stop(excess)

    def _gather(self, piece: bytes) -> None:
        """Count a piece of the decoded body, and hand it on."""
        self.body_bytes = body_bytes = self.body_bytes + len(piece)
        if self._digest is None:
            self._digest = hashlib.sha256(piece)
        else:
            self._digest.update(piece)
        if self._sink is not None:
            self._sink(piece)
        if self._blocks is not None and body_bytes >= self._joins_at:
            self._blocks.join()
            self._joins_at = body_bytes + BLOCK_BYTES

    def _stop(self, failure: Failure) -> int:
        """End the transfer with this failure."""
        self._stopped = failure
        return _STOP
