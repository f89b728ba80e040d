"""An exchange that streams: the answer is read while it comes, the body sent while it is produced.

As fetch.transfer.exchange, but the body goes on as it was received, undecoded, through a Pipe;
while nobody reads, the server has to wait. The caller's timeouts count too: one for the
connection, one for the server's silence between two pieces of the answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import gevent
import pycurl
from gevent import get_hub

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.address_guard import Guard
from fetcher.fetch.body.body_limits import body_excess
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.capture import Capture
from fetcher.fetch.body.intake import Intake
from fetcher.fetch.dns.pins import Pin, PinTable
from fetcher.fetch.failures import CONNECTING, Failure
from fetcher.fetch.requests_compat.pipe import Pipe
from fetcher.fetch.requests_compat.timeouts import Limits
from fetcher.fetch.requests_compat.upload import Upload
from fetcher.fetch.transfer.curl_loop import CurlLoop
from fetcher.fetch.transfer.exchange import Exchange
from fetcher.fetch.transfer.message import Request
from fetcher.fetch.transfer.receiver import NONE_PLAIN
from fetcher.fetch.transfer.speed_watch import SpeedWatch
from fetcher.fetch.transfer.transfer_clock import TransferClock
from fetcher.settings.schema import Http

_MIN_WAIT_S: Final = 0.001
_SECOND_LOOK_S: Final = 0.05


class Job(NamedTuple):
    """The request of a streamed exchange, and its limits."""

    request: Request
    timeout_s: float
    pin: Pin
    limits: Limits
    upload: Upload | None  # the request's body, where it is streamed
    capture: Capture | None
    account: Account | None = None  # of the bytes that the capture and the reader keep


class StreamedExchange(Exchange):
    """A streamed exchange; it serves one request only."""

    def __init__(
        self,
        loop: CurlLoop,
        pins: PinTable,
        http: Http,
        guard: Guard,
        clock: TransferClock,
        watch: SpeedWatch,
    ) -> None:
        super().__init__(loop, pins, http, guard, clock, watch)
        self.pipe = Pipe()
        self._limits = Limits()
        self._upload: Upload | None = None
        self._is_paused = False
        self._last_sign = 0.0  # when the server last sent anything, monotonic seconds
        self._began = 0.0
        self._silence_timer: Any = None
        self._seems_silent = False

    @property
    def has_head(self) -> bool:
        """Whether there is an answer to read, whatever became of its body."""
        return self._head_is_whole

    # -- the caller's side -------------------------------------------------------------------

    def start(self, job: Job) -> gevent.Greenlet:
        """Begin, and return the greenlet of the transfer; kill it to end the transfer."""
        self._limits, self._upload = job.limits, job.upload
        runner = gevent.Greenlet(self._run, job)
        runner.start()
        return runner

    def send_body(self) -> None:
        """Read the request's body to its end, as fast as it is sent. Raises the body's errors."""
        upload = self._upload
        if upload is None:
            return
        has_more = True
        while has_more and not self.pipe.is_ended:
            has_more = upload.next_piece()
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

    def _run(self, job: Job) -> None:
        failure: BaseException | None = Failure(
            ErrorKind.PROTOCOL_CUT_BODY, "the response was closed by its reader"
        )
        self._began = time.monotonic()
        try:
            if self._limits.read_s is not None:
                self._watch_silence(self._limits.read_s)
            intake = Intake(capture=job.capture, account=job.account)
            self.perform(job.request, job.timeout_s, job.pin, intake)
            failure = None
        # Any exception is raised to the reader of the answer.
        except Exception as error:
            failure = error
        finally:
            self._stop_silence_timer()
            if job.capture is not None:
                job.capture.end(job.request.body, self.answer().remote_ip)
            if self._upload is not None:
                self._upload.stop()
            self.pipe.end(failure)

    # -- the handle --------------------------------------------------------------------------

    def _configure(self) -> None:
        super()._configure()
        if self._http.ca_file and Path(self._http.ca_file).is_dir():
            self._easy.unsetopt(pycurl.CAINFO)
            self._easy.setopt(pycurl.CAPATH, self._http.ca_file)

    def _default_headers(self) -> dict[str, str]:
        # As http.client does: headers that the caller removed are not added again.
        return {
            "user-agent": f"User-Agent: {self._http.user_agent}",
            "accept-encoding": "Accept-Encoding: identity",
            "accept": "Accept:",
            "expect": "Expect:",
            "content-type": "Content-Type:",
        }

    def _set_shape(self, request: Request) -> None:
        super()._set_shape(request)
        if (limit_s := self._shorter_connect_s()) is not None:
            self._easy.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(limit_s * 1000)))
        if self._upload is not None and request.method != "HEAD":
            self._set_upload(self._upload, request.method)

    def _set_upload(self, upload: Upload, method: str) -> None:
        easy = self._easy
        easy.setopt(pycurl.UPLOAD, 1)
        easy.setopt(pycurl.CUSTOMREQUEST, method)
        easy.setopt(pycurl.READFUNCTION, upload.give)
        # After a dead kept connection it would have to be read a second time.
        easy.setopt(pycurl.FRESH_CONNECT, 1)
        if upload.length is not None:
            easy.setopt(pycurl.INFILESIZE_LARGE, upload.length)

    def _may_repeat(self, request: Request, code: int) -> bool:
        # What was streamed cannot be read a second time.
        return self._upload is None and super()._may_repeat(request, code)

    # -- the answer --------------------------------------------------------------------------

    def _on_header(self, line: bytes) -> int | None:
        self._last_sign = time.monotonic()
        return super()._on_header(line)

    def _on_head(self) -> int | None:
        verdict = super()._on_head()
        # The reader decodes, and gets the error if that fails.
        self._decoder = None
        self._plain_bytes = NONE_PLAIN  # each piece goes to the reader
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
            return self._stop(body_excess(http))
        self.pipe.put(piece)
        return None

    def _judge(self, code: int, words: str) -> None:
        try:
            super()._judge(code, words)
        except Failure as failure:
            limit_s = self._shorter_connect_s()
            if failure.kind not in CONNECTING or limit_s is None:
                raise
            said = f"Connection timed out. (connect timeout={limit_s})"
            raise Failure(failure.kind, said) from None

    def _shorter_connect_s(self) -> float | None:
        """The caller's limit for the connection, if it is shorter than that of the settings."""
        limit_s = self._limits.connect_s
        return None if limit_s is None or limit_s >= self._http.connect_timeout_s else limit_s

    # -- the server's silence ----------------------------------------------------------------

    def _watch_silence(self, after_s: float) -> None:
        self._stop_silence_timer()
        self._silence_timer = get_hub().loop.timer(max(after_s, _MIN_WAIT_S))
        self._silence_timer.start(self._on_silence)

    def _stop_silence_timer(self) -> None:
        if self._silence_timer is not None:
            self._silence_timer.stop()
            self._silence_timer.close()
            self._silence_timer = None

    def _on_silence(self) -> None:
        limit_s = self._limits.read_s or 0.0
        left_s = limit_s - self._silent_s()
        if left_s > _MIN_WAIT_S:
            self._seems_silent = False
            self._watch_silence(left_s)
        elif not self._seems_silent:
            # A caller that has blocked this thread has kept the loop from what the server sent.
            self._seems_silent = True
            self._watch_silence(_SECOND_LOOK_S)
        elif not self.pipe.is_ended:
            kind = ErrorKind.TIMEOUT_STALLED if self._head_bytes else ErrorKind.TIMEOUT_FIRST_BYTE
            self._stopped = Failure(kind, f"Read timed out. (read timeout={self._limits.read_s})")
            self._loop.cut(self._easy, (pycurl.E_OPERATION_TIMEDOUT, ""))

    def waits_for_server(self) -> bool:
        is_starved = self._upload is not None and self._upload.is_starved
        return not (self._is_paused or is_starved) and super().waits_for_server()

    def _silent_s(self) -> float:
        """Seconds for which the server has been silent; 0 while it waits for us."""
        if not self.waits_for_server():
            return 0.0
        sent_us: int = self._easy.getinfo(pycurl.PRETRANSFER_TIME_T)
        since = max(self._began + sent_us / 1e6, self._last_sign)
        if self._upload is not None:
            since = max(since, self._upload.last_given)
        return time.monotonic() - since
