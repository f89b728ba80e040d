"""One request and its answer on a libcurl handle that is used again and again.

Law: an exchange ends within its time and its caps, whatever the server does, and ends in `answer`
or in a Failure; libcurl's callbacks note and count, and never raise. Every connection is made to an
address that the guard has passed at that very moment. What comes back is the bytes as received:
decoding is ours, bounded (see fetch.http.decoding). A request that a kept connection lost before
any of its answer came is sent once more, on a new connection and in what is left of the same time,
if a second one does no harm.
"""

from __future__ import annotations

import _socket  # gevent's own kind does far more, and libcurl wants but the number
import hashlib
import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pycurl
from gevent import get_hub

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.address_guard import Guard
from fetcher.fetch.dns.pins import Pin, PinTable
from fetcher.fetch.failures import Failure
from fetcher.fetch.http import redirects
from fetcher.fetch.http.body_length import declared_length, length_to_count
from fetcher.fetch.http.body_memory import Account
from fetcher.fetch.http.capture import Capture
from fetcher.fetch.http.curl_errors import cut_by, failure_of, is_unannounced_end, was_lost
from fetcher.fetch.http.curl_loop import CurlLoop, Ending
from fetcher.fetch.http.deadlines import Deadlines, slack_s
from fetcher.fetch.http.decoding import Decoder, decoder_for
from fetcher.fetch.http.head import parse_head
from fetcher.fetch.http.header_text import Headers, merged
from fetcher.fetch.http.tls import ca_file
from fetcher.fetch.http.transfer_clock import TransferClock
from fetcher.fetch.urls import request_target
from fetcher.settings.schema import Http

_DRAIN_S: Final = 0.5  # longest wait for the end of a redirect's body
_STOP: Final = -1  # a write callback's answer that ends the transfer
_DRAINED: Final = (-1, "")  # the ending of a redirect whose body was not worth waiting for
_SHA256_OF_NOTHING: Final = hashlib.sha256().hexdigest()
_SUPPRESS_CONNECT_HEADERS: Final = 265  # pycurl has no name for it
_RATIO_FROM: Final = 1024 * 1024  # decoded bytes from which on the ratio counts
_HTTP_VERSIONS: Final = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}
_BROKE: Final = (pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR)
_UNFRAMED_VERSIONS: Final = (pycurl.CURL_HTTP_VERSION_1_0, pycurl.CURL_HTTP_VERSION_1_1)
_IP_VERSIONS: Final = {
    "any": pycurl.IPRESOLVE_WHATEVER,
    "4": pycurl.IPRESOLVE_V4,
    "6": pycurl.IPRESOLVE_V6,
}
_SAFE_TO_SEND_TWICE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_NEED_A_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})  # also where there is no body
ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"
# For an archive: what every reader of WARC files decodes (warcio fails on br, and knows no zstd).
ARCHIVE_ENCODING: Final = "gzip, deflate"


class Request(NamedTuple):
    """What is asked; `headers` are sent in their order, doubles included, and come instead of
    those of the same names that are always sent. They hold wire text (see fetch.http.header_text).
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class Answer(NamedTuple):
    """What an exchange brought, after its handle is used again.

    `headers` and `redirect_to` hold wire text (see fetch.http.header_text): the bytes as they came.
    """

    status: int
    headers: Headers
    body_bytes: int
    wire_bytes: int
    sha256: str
    is_whole: bool
    redirect_to: str
    remote_ip: str | None
    http_version: str | None
    phases_ms: tuple[float | None, float | None, float | None]


NO_ANSWER: Final = Answer(0, [], 0, 0, "", False, "", None, None, (None, None, None))


class Exchange:
    """A handle and what its last request brought; not for two greenlets at once."""

    def __init__(
        self, loop: CurlLoop, places: PinTable, http: Http, guard: Guard, clock: TransferClock
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._places = places
        self._http = http
        self._guard = guard
        self._easy = pycurl.Curl()
        self._shape: tuple[object, ...] = ()  # what the handle is set up for, the URL aside
        self._method = ""
        self._timeout_ms = 0  # … and its deadline
        self._gives_target = False  # … and a request target, which cannot be taken back
        self._drain_timer: Any = None
        self._clear(None, None, None)

    def _clear(
        self,
        sink: Callable[[bytes], None] | None,
        tape: Capture | None,
        account: Account | None,
    ) -> None:
        self.status = 0
        self.reason = ""
        self.headers: list[tuple[str, str]] = []
        self.body_bytes = 0
        self.wire_bytes = 0
        self._sink = sink  # takes the decoded body, piece by piece
        self._tape = tape
        self.paused_s = 0.0  # for want of memory
        self._account = account  # of the bytes that these two keep
        self._patience: Deadlines | None = None
        self._digest: Any = None  # hashlib's, from the first piece on
        self._decoder: Decoder | None = None
        self._head_is_whole = False
        self._head_bytes = 0
        self._lines: list[bytes] = []  # of a head that is still coming, or of trailers
        self.redirect_to = ""  # the Location as it was sent
        self.is_whole = False
        self._stopped: Failure | None = None
        self._refused = ""  # why the guard passed no address
        self._length: int | None = None  # where we count the body, as libcurl does not
        self._is_counted = False  # so many bytes came
        self.repeats = 0  # 1 where a kept connection lost the request

    # -- the request -------------------------------------------------------------------------

    def perform(
        self,
        request: Request,
        timeout_s: float,
        pin: Pin,
        sink: Callable[[bytes], None] | None = None,
        tape: Capture | None = None,
        account: Account | None = None,
    ) -> None:
        """Make the request and fill in the answer. Raises Failure.

        `account`: of what `sink` and `tape` keep; while it admits no more, the transfer pauses.
        """
        self._clear(sink, tape, account)
        easy = self._easy
        shape = (*request[1:], tape is not None, account is not None)
        if shape != self._shape:
            self._configure()
            self._give_shape(request, ACCEPT_ENCODING if tape is None else ARCHIVE_ENCODING)
            if account is not None:
                limit_s = self._http.connect_timeout_s + slack_s(self._http.total_timeout_s)
                easy.setopt(pycurl.CONNECTTIMEOUT_MS, int(limit_s * 1000))
            if tape is not None:
                easy.setopt(pycurl.VERBOSE, 1)
                easy.setopt(pycurl.DEBUGFUNCTION, self._on_debug)
            self._shape = shape
        self._method = request.method
        url = request.url
        easy.setopt(pycurl.URL, url)
        if self._gives_target or "%" in url or "?#" in url or url.endswith("?"):
            self._give_target(url)
        self._set_timeout(timeout_s)
        end = self._clock.now() + timeout_s
        told = self._places.enter(pin)
        if account is not None:
            account.begin(self._go_on)
            self._patience = self._patience_for(timeout_s)
        try:
            if told:
                easy.setopt(pycurl.RESOLVE, told)
            ending = self._loop.perform(easy)
            if ending[0] and self._may_repeat(request, *ending):
                ending = self._repeat(ending, end)
        finally:
            self._places.leave(pin.place)
            self._stop_drain_timer()
            if account is not None:
                account.end()
            if self._patience is not None:
                self._patience.stop()
                self.paused_s = self._patience.paused_s
        try:
            self._judge(*ending)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """A handle that waits for its next request must not keep the last one's body."""
        self._sink = self._tape = self._account = self._decoder = None

    def _set_timeout(self, timeout_s: float) -> None:
        if self._account is not None:
            timeout_s += slack_s(self._http.total_timeout_s)
        timeout_ms = max(1, math.ceil(timeout_s * 1000))
        if timeout_ms != self._timeout_ms:
            self._easy.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self._timeout_ms = timeout_ms

    def _patience_for(self, timeout_s: float) -> Deadlines:
        connect_s = self._http.connect_timeout_s
        return Deadlines(self._loop, self._easy, self._clock, connect_s, timeout_s)

    def _go_on(self) -> None:
        if self._patience is not None:
            self._patience.resume()
        self._loop.resume(self._easy)

    def _may_repeat(self, request: Request, code: int, words: str) -> bool:
        return (
            request.method in _SAFE_TO_SEND_TWICE
            and not self._head_bytes
            and was_lost(code, words, self._easy)
        )

    def _repeat(self, ending: Ending, end: float) -> Ending:
        """Send the request again on a new connection; `ending` stays where no time is left."""
        left_s = end - self._clock.now()
        if left_s <= 0:
            return ending
        self.repeats = 1
        if self._tape is not None:
            self._tape.rewind()
        self._set_timeout(left_s)
        self._easy.setopt(pycurl.FRESH_CONNECT, 1)
        try:
            return self._loop.perform(self._easy)
        finally:
            self._easy.setopt(pycurl.FRESH_CONNECT, 0)

    def _configure(self) -> None:
        easy, http = self._easy, self._http
        easy.reset()
        self._timeout_ms = 0
        self._gives_target = False
        options = {
            pycurl.NOSIGNAL: 1,
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.PATH_AS_IS: 1,
            pycurl.HTTP_CONTENT_DECODING: 0,
            pycurl.HTTP_VERSION: (
                pycurl.CURL_HTTP_VERSION_2TLS if http.http2 else pycurl.CURL_HTTP_VERSION_1_1
            ),
            pycurl.CONNECTTIMEOUT_MS: int(http.connect_timeout_s * 1000),
            pycurl.LOW_SPEED_TIME: max(1, round(http.low_speed_s)),
            pycurl.LOW_SPEED_LIMIT: http.low_speed_bytes_s,
            pycurl.MAXAGE_CONN: max(1, round(http.connection_age_s)),
            pycurl.DNS_CACHE_TIMEOUT: -1,
            pycurl.IPRESOLVE: _IP_VERSIONS[http.ip_version],
            pycurl.PROXY: http.proxy,  # set also where it is empty: the environment is not asked
            pycurl.NOPROXY: "",
            _SUPPRESS_CONNECT_HEADERS: 1,
            pycurl.CAINFO: ca_file(http),
            pycurl.SSL_VERIFYPEER: int(http.verify_tls),
            pycurl.SSL_VERIFYHOST: 2 if http.verify_tls else 0,
            pycurl.PROXY_CAINFO: ca_file(http),
            pycurl.PROXY_SSL_VERIFYPEER: int(http.verify_tls),
            pycurl.PROXY_SSL_VERIFYHOST: 2 if http.verify_tls else 0,
            pycurl.HEADERFUNCTION: self._on_header,
            pycurl.WRITEFUNCTION: self._on_body,
            pycurl.OPENSOCKETFUNCTION: self._on_connect,
            pycurl.SOCKOPTFUNCTION: self._on_socket,
        }
        if http.client_cert:
            options[pycurl.SSLCERT] = http.client_cert
        if http.client_key:
            options[pycurl.SSLKEY] = http.client_key
        for option, value in options.items():
            easy.setopt(option, value)

    def _give_target(self, url: str) -> None:
        """Have libcurl send what we mean: it changes the case of escapes, and drops an empty query.

        What it has been given once must be given with each request of the handle.
        """
        is_whole = self._http.proxy.startswith("http") and url.startswith("http:")
        target = url.partition("#")[0] if is_whole else request_target(url)
        self._easy.setopt(pycurl.REQUEST_TARGET, target)
        self._gives_target = True

    def _own_headers(self, encodings: str) -> dict[str, str]:
        """By name, the lines of headers that are sent where the request has none of that name."""
        return {
            "user-agent": f"User-Agent: {self._http.user_agent}",
            "accept-encoding": f"Accept-Encoding: {encodings}",
            "accept": "Accept: */*",
        }

    def _give_shape(self, request: Request, encodings: str) -> None:
        easy = self._easy
        defaults = self._own_headers(encodings)
        body = request.body
        if request.method == "HEAD":
            easy.setopt(pycurl.NOBODY, 1)
            body = None  # libcurl would announce it and not send it
        elif body is None and request.method in _NEED_A_LENGTH:
            body = b""
        if body is not None:
            easy.setopt(pycurl.POSTFIELDS, body)
            # What libcurl would add of its own accord.
            defaults |= {"expect": "Expect:", "content-type": "Content-Type:"}
        if request.method not in _SAFE_TO_SEND_TWICE:
            # libcurl sends a request again where a kept connection was closed meanwhile.
            easy.setopt(pycurl.FRESH_CONNECT, 1)
        if request.method not in ("GET", "HEAD") or body is not None:
            easy.setopt(pycurl.CUSTOMREQUEST, request.method)
        lines = [
            (name.lower(), f"{name}: {value}" if value else f"{name};")
            for name, value in request.headers
            if request.method != "HEAD" or name.lower() not in redirects.BODY_HEADERS
        ]
        merged_lines = merged(tuple(defaults.items()), lines)
        easy.setopt(pycurl.HTTPHEADER, [line.encode("latin-1") for _, line in merged_lines])

    # -- what libcurl tells while it runs ----------------------------------------------------

    def _on_connect(self, _purpose: int, address: tuple[int, int, int, Any]) -> Any:
        family, kind, protocol, (host, *_) = address
        refusal = None if self._http.proxy else self._guard.refusal(_text(host))
        if refusal is not None:
            self._refused = refusal
            return pycurl.SOCKET_BAD
        return _socket.socket(family, kind, protocol)

    def _on_socket(self, fd: int, _purpose: int) -> int:
        self._loop.opened(fd)
        return pycurl.SOCKOPT_OK

    def _on_debug(self, kind: int, data: bytes) -> None:
        if kind == pycurl.INFOTYPE_HEADER_OUT and self._tape is not None:
            self._tape.note_sent(data)

    def _on_header(self, line: bytes) -> int | None:
        self._head_bytes += len(line)
        if self._head_bytes > self._http.max_header_bytes:
            limit = self._http.max_header_bytes
            return self._stop(
                ErrorKind.PROTOCOL_HEADERS,
                f"more bytes of headers than http.max_header_bytes ({limit})",
            )
        if len(line) > 2:
            self._lines.append(line)
            return None
        if self._head_is_whole:
            return None  # the end of the trailers
        head, self._lines = self._lines, []
        try:
            status, reason, headers = parse_head(head)
        except Failure as failure:
            self._stopped = failure
            return _STOP
        if status < 200:
            return None  # an interim answer, such as 103 Early Hints
        self.status, self.reason, self.headers = status, reason, headers
        if self._tape is not None:
            self._tape.head = head
        return self._on_head()

    def _on_head(self) -> int | None:
        self._head_is_whole = True
        if len(self.headers) > self._http.max_headers:
            limit = self._http.max_headers
            said = f"more headers than http.max_headers ({limit})"
            return self._stop(ErrorKind.PROTOCOL_HEADERS, said)
        try:
            if self.status in redirects.STATUSES:
                self.redirect_to = redirects.location_of(self.headers)
        except Failure as failure:
            self._stopped = failure
            return _STOP
        if self.redirect_to:
            self._drain_timer = get_hub().loop.timer(_DRAIN_S)
            self._drain_timer.start(self._loop.cut, self._easy, _DRAINED)
        if encodings := self.header("content-encoding"):
            self._decoder = decoder_for(encodings, self._http.max_body_bytes)
        self._length = length_to_count(self._method, self.status, self.headers)
        return self._stop_once_counted()

    def _stop_once_counted(self) -> int | None:
        self._is_counted = self.wire_bytes == self._length
        return _STOP if self._is_counted else None

    def _on_body(self, data: bytes) -> int | None:
        # libcurl gives the same bytes again once the transfer goes on: nothing is counted before.
        if self._account is not None and not self._account.admit(len(data)):
            if self._patience is not None:
                self._patience.pause()
            return pycurl.WRITEFUNC_PAUSE
        if self._length is None:
            return self._receive(data)
        taken = self._receive(data[: self._length - self.wire_bytes])
        return self._stop_once_counted() if taken is None else taken

    def _receive(self, data: bytes) -> int | None:
        self.wire_bytes += len(data)
        if self._tape is not None:
            self._tape.pieces.append(data)
        if self.redirect_to and self.wire_bytes > self._http.redirect_body_bytes:
            return _STOP
        if self.wire_bytes > self._http.max_wire_bytes:
            return self._stop(
                ErrorKind.LARGE_WIRE,
                f"received more than http.max_wire_bytes ({self._http.max_wire_bytes})",
            )
        return self._take(data) if self._decoder is None else self._decode(self._decoder, data)

    def _decode(self, decoder: Decoder, data: bytes) -> int | None:
        try:
            for piece in decoder.pieces(data):
                if self._take(piece) is not None:
                    return _STOP
        except Failure as failure:
            self._stopped = failure
            return _STOP
        return None

    def _take(self, piece: bytes) -> int | None:
        http = self._http
        room = http.max_body_bytes - self.body_bytes
        is_too_large = len(piece) > room
        if is_too_large:
            piece = piece[:room]
        self.body_bytes += len(piece)
        if self._digest is None:
            self._digest = hashlib.sha256(piece)
        else:
            self._digest.update(piece)
        if self._sink is not None:
            self._sink(piece)
            if self._account is not None and self._decoder is not None:
                self._account.add(len(piece))
        if is_too_large:
            said = f"body larger than http.max_body_bytes ({http.max_body_bytes})"
            return self._stop(ErrorKind.LARGE_BODY, said)
        if self.body_bytes > max(_RATIO_FROM, self.wire_bytes * http.max_ratio):
            return self._stop(
                ErrorKind.LARGE_RATIO,
                f"unpacks to more than http.max_ratio ({http.max_ratio}) times its size",
            )
        return None

    def _stop(self, kind: ErrorKind, message: str) -> int:
        self._stopped = Failure(kind, message)
        return _STOP

    # -- the answer --------------------------------------------------------------------------

    def _judge(self, code: int, words: str) -> None:
        if (
            self._is_counted
            or (code in _BROKE and self._is_all_there())
            or (is_unannounced_end(code, words) and self._lasts_until_close())
        ):
            code = 0
        if self._tape is not None:
            self._tape.is_whole = not code and self._stopped is None
            self._tape.was_stopped = self._stopped is not None
        if self.redirect_to:
            return  # whatever became of its body
        if self._stopped is not None:
            raise self._stopped
        if code:
            if self._refused and code == pycurl.E_COULDNT_CONNECT:
                raise Failure(ErrorKind.BLOCKED_ADDRESS, self._refused)
            has_begun = self._head_bytes > 0
            raise failure_of(code, words, self._easy, self._http, has_begun=has_begun)
        if not self._head_is_whole:
            raise Failure(ErrorKind.PROTOCOL_CUT_HEAD, "the response breaks off in its headers")
        if self._length is not None and not self._is_counted:
            raise Failure(ErrorKind.PROTOCOL_CUT_BODY, cut_by(self._length - self.wire_bytes))
        if self._decoder is not None:
            self._decoder.end()
        self.is_whole = True

    def _is_all_there(self) -> bool:
        """Whether the answer came as a whole before its connection broke, which libcurl does not
        look at: over HTTP/2 it fails as soon as it cannot send any more.
        """
        length = declared_length(self._method, self.status, self.headers)
        return self._head_is_whole and self.wire_bytes == length

    def _lasts_until_close(self) -> bool:
        """Whether nothing but the end of the connection says where this answer's body ends."""
        return (
            self._head_is_whole
            and self._easy.getinfo(pycurl.INFO_HTTP_VERSION) in _UNFRAMED_VERSIONS
            and self.header("content-length") is None
            and "chunked" not in (self.header("transfer-encoding") or "").lower()
        )

    def _stop_drain_timer(self) -> None:
        if self._drain_timer is not None:
            self._drain_timer.stop()
            self._drain_timer.close()
            self._drain_timer = None

    def header(self, name: str) -> str | None:
        """The values of a list header (its name in lower case), joined; None for none."""
        size = len(name)
        values = [v for key, v in self.headers if len(key) == size and key.lower() == name]
        return ", ".join(values) if values else None

    def answer(self) -> Answer:
        """What is known of the answer so far."""
        get = self._easy.getinfo
        connect = tls = None
        if get(pycurl.NUM_CONNECTS):
            connect, tls = _ms(get(pycurl.CONNECT_TIME_T)), _ms(get(pycurl.APPCONNECT_TIME_T))
        return Answer(
            self.status,
            self.headers,
            self.body_bytes,
            self.wire_bytes,
            self._digest.hexdigest() if self._digest else _SHA256_OF_NOTHING,
            self.is_whole,
            self.redirect_to,
            get(pycurl.PRIMARY_IP) or None,
            _HTTP_VERSIONS.get(get(pycurl.INFO_HTTP_VERSION)),
            (connect, tls, _ms(get(pycurl.STARTTRANSFER_TIME_T))),
        )


def _ms(time_us: int) -> float | None:
    return time_us / 1000 if time_us > 0 else None


def _text(host: str | bytes) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else host
