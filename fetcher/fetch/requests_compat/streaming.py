"""An exchange that streams: the answer is read while it comes, the body sent while it is produced.

Law: as for fetch.http.exchange, but the body goes on as it was received, undecoded, through a Pipe
that holds the server up while nobody reads. Where the caller gave timeouts, those count too: one
for the connection, one for the silence between two pieces of the answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gevent
import pycurl
from gevent import get_hub

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.address_guard import Guard
from fetcher.fetch.dns.pins import Pin, PinTable
from fetcher.fetch.failures import CONNECTING, Failure
from fetcher.fetch.http.capture import Capture
from fetcher.fetch.http.curl_loop import CurlLoop
from fetcher.fetch.http.exchange import Exchange, Request
from fetcher.fetch.http.transfer_clock import TransferClock
from fetcher.fetch.requests_compat.pipe import Pipe
from fetcher.fetch.requests_compat.timeouts import Limits
from fetcher.fetch.requests_compat.upload import Upload
from fetcher.settings.schema import Http


class StreamedExchange(Exchange):
    """A streamed exchange; it serves one request only."""

    def __init__(
        self, loop: CurlLoop, places: PinTable, http: Http, guard: Guard, clock: TransferClock
    ) -> None:
        self.pipe = Pipe()
        self._limits = Limits()
        self._upload: Upload | None = None
        self._is_paused = False
        self._last_sign = 0.0  # of the server's life, monotonic seconds
        self._began = 0.0
        self._silence_timer: Any = None
        super().__init__(loop, places, http, guard, clock)

    @property
    def has_head(self) -> bool:
        """Whether there is an answer to read, whatever became of its body."""
        return self._head_is_whole

    # -- the caller's side -------------------------------------------------------------------

    def start(
        self,
        request: Request,
        timeout_s: float,
        pin: Pin,
        limits: Limits,
        upload: Upload | None,
        tape: Capture | None,
    ) -> gevent.Greenlet:
        """Begin, and return the greenlet of the transfer; kill it to end the transfer."""
        self._limits, self._upload = limits, upload
        runner = gevent.Greenlet(self._run, request, timeout_s, pin, tape)
        runner.start()
        return runner

    def send_body(self) -> None:
        """Read the request's body to its end, as fast as it is sent. Raises what it raises."""
        upload = self._upload
        if upload is None:
            return
        more = True
        while more and not self.pipe.is_ended:
            more = upload.next_piece()
            if upload.is_starved:
                upload.is_starved = False
                self._loop.resume(self._easy)
            upload.wait()

    def resume(self) -> None:
        """The reader has made room."""
        if self._is_paused:
            self._is_paused = False
            self._last_sign = time.monotonic()
            self._loop.resume(self._easy)

    def _run(self, request: Request, timeout_s: float, pin: Pin, tape: Capture | None) -> None:
        failure: BaseException | None = Failure(
            ErrorKind.PROTOCOL_CUT_BODY, "the response was closed by its reader"
        )
        self._began = time.monotonic()
        try:
            self._watch_silence()
            self.perform(request, timeout_s, pin, None, tape)
            failure = None
        # Any exception is raised to the reader of the answer.
        except Exception as error:
            failure = error
        finally:
            if self._silence_timer is not None:
                self._silence_timer.stop()
                self._silence_timer.close()
            if tape is not None:
                tape.end(request.body, self.answer().remote_ip)
            if self._upload is not None:
                self._upload.stop()
            self.pipe.end(failure)

    # -- what differs from an exchange that collects -----------------------------------------

    def _configure(self) -> None:
        super()._configure()
        if self._http.ca_file and Path(self._http.ca_file).is_dir():
            self._easy.unsetopt(pycurl.CAINFO)
            self._easy.setopt(pycurl.CAPATH, self._http.ca_file)

    def _own_headers(self, encodings: str) -> dict[str, str]:
        # As http.client does: headers that the caller removed are not added again.
        return {
            "user-agent": f"User-Agent: {self._http.user_agent}",
            "accept-encoding": "Accept-Encoding: identity",
            "accept": "Accept:",
            "expect": "Expect:",
            "content-type": "Content-Type:",
        }

    def _give_shape(self, request: Request, encodings: str) -> None:
        super()._give_shape(request, encodings)
        easy, limits = self._easy, self._limits
        if limits.connect_s is not None and limits.connect_s < self._http.connect_timeout_s:
            easy.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(limits.connect_s * 1000)))
        if self._upload is not None and request.method != "HEAD":
            easy.setopt(pycurl.UPLOAD, 1)
            easy.setopt(pycurl.CUSTOMREQUEST, request.method)
            easy.setopt(pycurl.READFUNCTION, self._upload.give)
            # After a dead kept connection it would have to be read a second time.
            easy.setopt(pycurl.FRESH_CONNECT, 1)
            if self._upload.length is not None:
                easy.setopt(pycurl.INFILESIZE_LARGE, self._upload.length)

    def _may_repeat(self, request: Request, code: int, words: str) -> bool:
        # What was streamed cannot be read a second time.
        return self._upload is None and super()._may_repeat(request, code, words)

    def _on_header(self, line: bytes) -> int | None:
        self._last_sign = time.monotonic()
        return super()._on_header(line)

    def _on_head(self) -> int | None:
        verdict = super()._on_head()
        # The reader decodes, and gets the error if that fails.
        self._decoder = None
        stopped = self._stopped
        if stopped is not None and stopped.kind is ErrorKind.PROTOCOL_BAD_CODING:
            self._stopped = verdict = None
        if verdict is None:
            self.pipe.head.set()
        return verdict

    def _on_body(self, data: bytes) -> int | None:
        self._last_sign = time.monotonic()
        if self.pipe.is_full:
            self._is_paused = True
            return pycurl.WRITEFUNC_PAUSE
        return super()._on_body(data)

    def _take(self, piece: bytes) -> int | None:
        http = self._http
        if self.wire_bytes > http.max_body_bytes and not self.header("content-encoding"):
            said = f"body larger than http.max_body_bytes ({http.max_body_bytes})"
            return self._stop(ErrorKind.LARGE_BODY, said)
        self.pipe.put(piece)
        return None

    def _judge(self, code: int, words: str) -> None:
        try:
            super()._judge(code, words)
        except Failure as failure:
            limit_s = self._limits.connect_s
            is_callers = limit_s is not None and limit_s < self._http.connect_timeout_s
            if failure.kind not in CONNECTING or not is_callers:
                raise
            said = f"Connection timed out. (connect timeout={limit_s})"
            raise Failure(failure.kind, said) from None

    # -- the server's silence ----------------------------------------------------------------

    def _watch_silence(self) -> None:
        limit_s = self._limits.read_s
        if limit_s is not None:
            self._silence_timer = get_hub().loop.timer(max(limit_s, 0.001))
            self._silence_timer.start(self._on_silence)

    def _on_silence(self) -> None:
        limit_s = self._limits.read_s or 0.0
        left_s = limit_s - self._silent_s()
        if left_s > 0.001:
            self._silence_timer.stop()
            self._silence_timer.close()
            self._silence_timer = get_hub().loop.timer(left_s)
            self._silence_timer.start(self._on_silence)
        elif not self.pipe.is_ended:
            self._stopped = Failure(
                ErrorKind.TIMEOUT_STALLED if self._head_bytes else ErrorKind.TIMEOUT_FIRST_BYTE,
                f"Read timed out. (read timeout={self._limits.read_s})",
            )
            self._loop.cut(self._easy, (pycurl.E_OPERATION_TIMEDOUT, ""))

    def _silent_s(self) -> float:
        """Seconds for which the server has been silent; 0 while it waits for us."""
        sent_us: int = self._easy.getinfo(pycurl.PRETRANSFER_TIME_T)
        is_our_turn = self._is_paused or (self._upload is not None and self._upload.is_starved)
        if not sent_us or is_our_turn:
            return 0.0
        since = max(self._began + sent_us / 1e6, self._last_sign)
        if self._upload is not None:
            since = max(since, self._upload.last_given)
        return time.monotonic() - since
