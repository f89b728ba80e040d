"""One request and its answer on a libcurl handle that is used again and again.

An exchange ends within its time and its caps, whatever the server does, and ends in `answer` or in
a Failure. libcurl connects only to addresses of pins, which the guard has passed: it may not look a
host up, not even one that is an address. The peer is judged once more before each request is sent.
A request that a kept connection lost before any of its answer came is sent once more, on a new
connection and in the rest of the same time, if its method is idempotent.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Final

import pycurl

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.address_guard import Guard
from fetcher.fetch.body.body_length import declared_length
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.intake import NOTHING_KEPT, Intake
from fetcher.fetch.dns.pins import Pin, PinTable, entry
from fetcher.fetch.failures import Failure
from fetcher.fetch.transfer import curl_options
from fetcher.fetch.transfer.curl_errors import cut_by, failure_of, is_unannounced_end, was_lost
from fetcher.fetch.transfer.curl_loop import CurlLoop, CurlResult
from fetcher.fetch.transfer.deadlines import Deadline, slack_s
from fetcher.fetch.transfer.message import Answer, Request
from fetcher.fetch.transfer.receiver import UNFRAMED_VERSIONS, Receiver
from fetcher.fetch.transfer.speed_watch import SpeedWatch
from fetcher.fetch.transfer.transfer_clock import TransferClock
from fetcher.politeness.retry import IDEMPOTENT
from fetcher.settings.schema import Http

_SHA256_OF_NOTHING: Final = hashlib.sha256().hexdigest()
_BROKE: Final = (pycurl.E_SEND_ERROR, pycurl.E_RECV_ERROR)
_UNCONNECTED: Final = (pycurl.E_COULDNT_CONNECT, pycurl.E_OPERATION_TIMEDOUT)
# Failures after which other addresses of the host are asked for.
_UNREACHABLE: Final = frozenset(
    {
        ErrorKind.CONNECT_REFUSED,
        ErrorKind.CONNECT_UNREACHABLE,
        ErrorKind.CONNECT_OTHER,
        ErrorKind.CONNECT_PROXY,
        ErrorKind.TIMEOUT_CONNECT,
    }
)
_NO_ROOM: Final = "waited too long for room in this worker's memory (worker.max_body_memory)"
_UNDONE: Final[CurlResult] = (-1, "")
_PREREQ_OK: Final = pycurl.PREREQFUNC_OK
_LEAST_S: Final = 0.05  # less time than this is not worth a look-up


class Exchange(Receiver):
    """A handle, and what its last request brought; never for two greenlets at once."""

    __slots__ = (
        *("_clock", "_deadline", "_guard", "_has_connected", "_has_target", "_peer", "_pins"),
        *("_refused", "_shape", "_slack_s", "_timeout_ms", "_watch", "paused_s", "repeats"),
    )

    def __init__(
        self,
        loop: CurlLoop,
        pins: PinTable,
        http: Http,
        guard: Guard,
        clock: TransferClock,
        watch: SpeedWatch,
    ) -> None:
        super().__init__(loop, http)
        self._watch = watch
        self._clock = clock
        self._deadline = Deadline(loop, clock, self._easy, http.connect_timeout_s)
        self._slack_s = slack_s(http.total_timeout_s)
        self._pins = pins
        self._guard = guard
        # What the handle is set up for:
        self._shape: tuple[object, ...] = ()  # the request, without its URL
        self._timeout_ms = 0
        self._has_target = False  # a request target, which cannot be taken back
        # Of the last request:
        self._refused = ""  # why the guard did not pass the peer
        self._peer = ""  # the address that the guard has passed
        self._has_connected = False  # whether a connection was made for it
        self.paused_s = 0.0  # for lack of memory
        self.repeats = 0  # 1 where a kept connection lost the request

    # -- the request -------------------------------------------------------------------------

    def perform(
        self,
        request: Request,
        timeout_s: float,
        pin: Pin,
        intake: Intake = NOTHING_KEPT,
        now: float | None = None,
    ) -> None:
        """Make the request and take in its answer. Raises Failure.

        `now`: by the transfer clock, if its caller has just read it.
        """
        self._clear(request.method, intake)
        self._refused = self._peer = ""
        self.paused_s, self.repeats = 0.0, 0
        self._set_up(request)
        if now is None:
            now = self._clock.now()
        ends_at = now + timeout_s
        result: CurlResult = _UNDONE
        resolve = self._pins.enter(pin)
        try:
            if resolve:
                self._easy.setopt(pycurl.RESOLVE, resolve)
            result = self._run_once(timeout_s, now)
            if result[0]:
                result = self._run_again(request, pin, result, ends_at, is_set=bool(resolve))
            self._judge(*result)
        finally:
            self._pins.leave(pin, is_used=not result[0])
            self._release()

    def _release(self) -> None:
        """Drop what a handle that waits for its next request must not keep."""
        if self._drain_timer is not None:
            self._stop_drain_timer()
        if self._account is not None and self._waits_for_memory:
            self._account.leave_queue(self._resume)
        self._sink = self._blocks = self._capture = self._account = self._decoder = None

    def _run_once(self, timeout_s: float, now: float) -> CurlResult:
        """Run libcurl's transfer once, for at most so long; `now` is by the transfer clock."""
        self._has_connected = False
        # Where something is kept, the limits do not count our own delays.
        deadline = None if self._account is None else self._deadline
        limit_s = timeout_s if deadline is None else timeout_s + self._slack_s
        timeout_ms = max(1, math.ceil(limit_s * 1000))
        if timeout_ms != self._timeout_ms:
            self._easy.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self._timeout_ms = timeout_ms
        self._watch.begin(self)
        if deadline is not None:
            deadline.begin(now, timeout_s)
        try:
            return self._loop.perform(self._easy)
        finally:
            self._watch.end(self)
            if deadline is not None:
                deadline.end()
                self.paused_s += deadline.paused_s

    def _run_again(
        self, request: Request, pin: Pin, result: CurlResult, ends_at: float, *, is_set: bool
    ) -> CurlResult:
        """Run a failed transfer once more, if that may help; else `result`.

        `is_set`: the pin was set for this transfer.
        """
        if not is_set and result[0] == pycurl.E_ABORTED_BY_CALLBACK and not self._refused:
            self._easy.setopt(pycurl.RESOLVE, [entry(pin.place, pin.addresses)])
            now = self._clock.now()
            result = self._run_once(max(_LEAST_S, ends_at - now), now)
        if result[0] and pin.more is not None and self._has_no_connection(*result):
            result = self._run_elsewhere(pin.place, pin.more, result, ends_at)
        if result[0] and self._may_repeat(request, result[0]):
            result = self._repeat(result, ends_at)
        return result

    def _has_no_connection(self, code: int, words: str) -> bool:
        """Whether no TCP connection could be made to any of the addresses."""
        if code not in _UNCONNECTED or self._head_bytes or self._refused:
            return False
        return self._failure(code, words).kind in _UNREACHABLE

    def _run_elsewhere(
        self, place: str, more: Callable[[float], str], result: CurlResult, ends_at: float
    ) -> CurlResult:
        """Run the transfer to addresses that are asked for now; `result` stays without any."""
        left_s = ends_at - self._clock.now()
        addresses = more(left_s) if left_s > _LEAST_S else ""
        now = self._clock.now()
        left_s = ends_at - now
        if not addresses or left_s <= 0:
            return result
        self._pins.replaced(place)
        self._easy.setopt(pycurl.RESOLVE, [entry(place, addresses)])
        return self._run_once(left_s, now)

    def _pause(self, account: Account) -> int:
        self._deadline.pause()
        account.wait(self._resume)
        return super()._pause(account)

    def _resume(self) -> None:
        """Continue a paused transfer, as there is memory for it again."""
        self._waits_for_memory = False
        self._deadline.resume()
        self._loop.resume(self._easy)

    def check_deadline(self) -> None:
        """See SpeedWatch."""
        if self._account is not None:
            self._deadline.check(self._clock.now())

    def _may_repeat(self, request: Request, code: int) -> bool:
        return request.method in IDEMPOTENT and not self._head_bytes and was_lost(code, self._easy)

    def _repeat(self, result: CurlResult, ends_at: float) -> CurlResult:
        """Send the request again on a new connection; `result` stays where no time is left."""
        now = self._clock.now()
        left_s = ends_at - now
        if left_s <= 0:
            return result
        self.repeats = 1
        if self._capture is not None:
            self._capture.rewind()
        self._easy.setopt(pycurl.FRESH_CONNECT, 1)
        try:
            return self._run_once(left_s, now)
        finally:
            self._easy.setopt(pycurl.FRESH_CONNECT, 0)

    # -- the handle --------------------------------------------------------------------------

    def _set_up(self, request: Request) -> None:
        """Set the handle up for this request; most requests differ from the last by their URL."""
        shape = (
            request.method,
            request.headers,
            request.body,
            self._capture is not None,
            self._account is not None,
        )
        if shape != self._shape:
            self._configure()
            self._set_shape(request)
            self._shape = shape
        url = request.url
        self._easy.setopt(pycurl.URL, url)
        # A target that was set once has to be set for each request of the handle.
        if self._has_target or curl_options.needs_target(url):
            self._easy.setopt(pycurl.REQUEST_TARGET, curl_options.target_to_send(url, self._http))
            self._has_target = True

    def _configure(self) -> None:
        """Set what all requests have in common."""
        easy = self._easy
        easy.reset()
        self._timeout_ms = 0
        self._has_target = False
        curl_options.set_limits(easy, self._http)
        easy.setopt(pycurl.HEADERFUNCTION, self._on_header)
        easy.setopt(pycurl.WRITEFUNCTION, self._on_body)
        easy.setopt(pycurl.RESOLVER_START_FUNCTION, _refuse_look_up)
        if not self._http.proxy:
            easy.setopt(pycurl.PREREQFUNCTION, self._on_connected)
        easy.setopt(pycurl.SOCKOPTFUNCTION, self._on_socket)

    def _set_shape(self, request: Request) -> None:
        """Set all of the request but its URL."""
        easy = self._easy
        curl_options.set_shape(easy, request, self._default_headers())
        if self._account is not None:
            # The deadlines are ours then, by the transfer clock; libcurl's are a second limit.
            limit_s = self._http.connect_timeout_s + self._slack_s
            easy.setopt(pycurl.CONNECTTIMEOUT_MS, int(limit_s * 1000))
        if self._capture is not None:
            easy.setopt(pycurl.VERBOSE, 1)
            easy.setopt(pycurl.DEBUGFUNCTION, self._on_debug)

    def _default_headers(self) -> dict[str, str]:
        """See curl_options.default_headers."""
        is_captured = self._capture is not None
        encodings = curl_options.ARCHIVE_ENCODING if is_captured else curl_options.ACCEPT_ENCODING
        return curl_options.default_headers(self._http, encodings)

    def _on_connected(self, peer: str, _own: str, _port: int, _own_port: int) -> int:
        """Judge the peer of a new or a kept connection, before the request is sent."""
        refusal = self._guard.refusal(peer)
        if refusal is None:
            self._peer = peer
            return _PREREQ_OK
        self._refused = refusal
        return pycurl.PREREQFUNC_ABORT

    def _on_socket(self, fd: int, _purpose: int) -> int:
        self._has_connected = True
        self._loop.opened(fd)
        return pycurl.SOCKOPT_OK

    def _on_debug(self, kind: int, data: bytes) -> None:
        if kind == pycurl.INFOTYPE_HEADER_OUT and self._capture is not None:
            self._capture.note_sent(data)

    # -- the answer --------------------------------------------------------------------------

    def _judge(self, code: int, words: str) -> None:
        """Raise Failure unless the answer is complete."""
        if code and self._is_complete_anyway(code, words):
            code = 0
        if self._capture is not None:
            self._capture.is_whole = not code and self._stopped is None
            self._capture.was_stopped = self._stopped is not None
        if self.redirect_to:
            return  # whatever became of its body
        if self._stopped is not None:
            raise self._stopped
        if code:
            raise self._failure(code, words)
        if not self._head_is_whole:
            raise _cut_head()
        if self._length is not None and not self._is_counted:
            raise Failure(ErrorKind.PROTOCOL_CUT_BODY, cut_by(self._length - self.wire_bytes))
        if self._decoder is not None:
            self._decoder.end()
        self.is_whole = True

    def _failure(self, code: int, words: str) -> Failure:
        if self._refused:
            return Failure(ErrorKind.BLOCKED_ADDRESS, self._refused)
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            return Failure(ErrorKind.BLOCKED_OTHER, "libcurl reads another host in the URL")
        if code == pycurl.E_OPERATION_TIMEDOUT and self._waits_for_memory:
            return Failure(ErrorKind.TIMEOUT_TOTAL, _NO_ROOM)
        has_begun = self._head_bytes > 0
        failure = failure_of(code, words, self._easy, self._http, has_begun=has_begun)
        is_cut = failure.kind is ErrorKind.PROTOCOL_CUT_BODY
        # libcurl knows the length of a body, or its status, before the head has ended.
        return _cut_head() if is_cut and not self._head_is_whole else failure

    def _is_complete_anyway(self, code: int, words: str) -> bool:
        """Whether the answer is all there although libcurl reports an error."""
        return (
            self._is_counted
            or (code in _BROKE and self._has_declared_length())
            or (is_unannounced_end(code, words) and self._lasts_until_close())
        )

    def _has_declared_length(self) -> bool:
        # libcurl does not look: over HTTP/2 it fails as soon as it cannot send any more.
        length = declared_length(self._method, self.status, self.head.notable)
        return self._head_is_whole and self.wire_bytes == length

    def _lasts_until_close(self) -> bool:
        """Whether nothing but the end of the connection says where this answer's body ends."""
        return (
            self._head_is_whole
            and self._easy.getinfo(pycurl.INFO_HTTP_VERSION) in UNFRAMED_VERSIONS
            and self.header("content-length") is None
            and "chunked" not in (self.header("transfer-encoding") or "").lower()
        )

    def answer(self) -> Answer:
        """The answer as far as it has come."""
        get, head = self._easy.getinfo, self.head
        connect = tls = None
        if self._has_connected:
            connect, tls = _ms(get(pycurl.CONNECT_TIME_T)), _ms(get(pycurl.APPCONNECT_TIME_T))
        first_us = get(pycurl.STARTTRANSFER_TIME_T)
        return Answer(
            self.status,
            head.headers,
            head.last.get("content-type"),
            head.is_ascii,
            self.body_bytes,
            self.wire_bytes,
            self._digest.hexdigest() if self._digest else _SHA256_OF_NOTHING,
            self.is_whole,
            self.redirect_to,
            self._peer or get(pycurl.PRIMARY_IP) or None,
            head.version,
            (connect, tls, first_us / 1000 if first_us > 0 else None),
        )


def _ms(time_us: int) -> float | None:
    return time_us / 1000 if time_us > 0 else None


def _cut_head() -> Failure:
    return Failure(ErrorKind.PROTOCOL_CUT_HEAD, "the response breaks off in its headers")


def _refuse_look_up() -> int:
    """Refuse: libcurl has no address of the host in its cache, and may not look one up."""
    return 1
