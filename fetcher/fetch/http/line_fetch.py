"""Fetches one URL line with libcurl: hop by hop and attempt by attempt.

Each hop passes the same checks as a first request: URL, address, turn of the host. Whatever a
server, a name server or a URL does, a step raises nothing. No cookie outlives its chain of
redirects.
"""

from __future__ import annotations

import functools
import random
import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.body_blocks import Blocks
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.capture import Capture
from fetcher.fetch.dns.pins import Pin
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.attempt import AttemptLog, Ending, Spent, ending_of
from fetcher.fetch.http.conditional import Conditional
from fetcher.fetch.http.next_request import NextRequest
from fetcher.fetch.http.shared import Shared
from fetcher.fetch.interface import UNREACHED, Previous
from fetcher.fetch.transfer.message import Answer, Request
from fetcher.fetch.unexpected import one_line
from fetcher.model import Outcome, Result, Task
from fetcher.politeness import retry
from fetcher.web_urls import Target

if TYPE_CHECKING:
    from fetcher.fetch.http.log_in import LineLogIn

_OK: Final = Ending(Outcome.OK)


class CurlFetch:
    """See fetcher.fetch.interface.Fetch."""

    result: Result | None = None
    wait_s = 0.0
    trouble = ""
    rest_s: float | None = None
    rest_why = ""
    delay_s = 0.0
    is_sent = False
    has_news = False
    _attempt = 0
    _repeats = 0  # requests that an exchange sent again, in all attempts; see Exchange
    _started_at: float | None = None
    _failed: Ending | None = None  # how the last attempt ended
    _location = ""  # the page that the last answer redirects to, in a crawl
    body: bytes | None = None
    _account: Account | None = None  # of the bytes that `body` and `captures` keep

    def __init__(self, shared: Shared, task: Task) -> None:
        self._shared = shared
        self._task = task
        self._log_in = shared.log_ins.line() if shared.log_ins else None
        self._conditional: Conditional | None = None  # in a refresh
        if shared.previous_of is not None:
            self._conditional = Conditional(shared.previous_of(task))
        self._start_attempt()

    def _start_attempt(self) -> None:
        self._attempt += 1
        self._left_s = self._shared.settings.http.total_timeout_s
        self._log = AttemptLog()
        self.body = None
        self.captures: list[Capture] = []
        if self._conditional is not None:
            self._conditional.begin()
        if self._account is not None:
            self.release()
        cookies = self._log_in.begin() if self._log_in else self._shared.cookies
        self._next = NextRequest(self._shared, self._task, cookies)
        self.url = self._task.url

    @property
    def previous(self) -> Previous | None:
        """See fetcher.fetch.interface.Confirms."""
        return self._conditional.previous if self._conditional is not None else None

    @property
    def confirmed(self) -> Previous | None:
        """See fetcher.fetch.interface.Confirms."""
        return self._conditional.confirmed if self._conditional is not None else None

    # -- a step ------------------------------------------------------------------------------

    def step(self) -> None:
        if not self._shared.keeps_any:
            self._step()
            return
        # Time that rows and handlers take is our own delay, and not the server's.
        clock = self._shared.transport.clock
        clock.start()
        try:
            self._step()
        finally:
            clock.stop()

    def _step(self) -> None:
        began = self._shared.now()
        if self._started_at is None:
            self._started_at = time.time()
        self.wait_s = 0.0
        self.trouble = ""
        self.rest_s = None
        self.is_sent = self.has_news = False
        if self._log_in is not None and not self._goes_on(self._log_in):
            return
        failure: Failure | None = None
        is_final = True
        try:
            is_final = self._hop(began)
        except Failure as raised:
            failure = raised
            # The guard refused the address before anything was sent.
            self.is_sent &= failure.outcome is not Outcome.BLOCKED or self.has_news
        # An error in our own code must not cost the line its row.
        except Exception as error:
            said = one_line(error)
            self._shared.defects.log(
                "the fetch of line %d failed by itself (%s)", self._task.line, said
            )
            failure = Failure(ErrorKind.PROTOCOL_INTERNAL, said)
        self._left_s -= self._shared.now() - began
        if is_final:
            self._end(failure)
        elif self._account is not None:
            self._account.give_way()

    def _hop(self, began: float) -> bool:
        """Make a hop; False if another one follows. Raises Failure."""
        shared = self._shared
        target = self._next.target()
        if self._left_s <= 0:
            raise shared.transport.late()
        if shared.robots is not None:
            self.is_sent = self.has_news = not shared.robots.has_requested(target)
            rules = shared.robots.rules(target, self._left_s)
            self.delay_s = rules.delay_s
            rules.check(target.url)
            resolving = shared.now()
        else:
            resolving = began
        pin = shared.transport.pin(target, self._left_s - (resolving - began))
        now = began
        if pin.addresses:
            now = shared.now()
            self._log.dns_ms = round((now - resolving) * 1000, 3)
        answer = self._ask(target, pin, self._left_s - (now - began))
        if self._log_in is not None and self._log_in.judge(target, answer):
            return True
        if self._conditional is not None and self._conditional.must_ask_again(answer):
            return False
        if not answer.redirect_to or self._ends_at(target, answer):
            return True
        self.url = self._next.follow(target, answer).url
        return False

    def _ends_at(self, source: Target, redirect: Answer) -> bool:
        """Whether a redirect of a crawl leads to another page, so that its fetch ends here."""
        crawling = self._shared.crawling
        if crawling is None:
            return False
        target = self._next.redirected_to(source, redirect)
        if crawling.is_same_page(self._task.url, target.url):
            return False
        self._next.require_body_may_go(source, redirect, target)
        self._location = target.url
        return True

    def _ask(self, target: Target, pin: Pin, timeout_s: float) -> Answer:
        shared = self._shared
        request = self._next.made(target, self._log_in, self._conditional)
        self.is_sent = True
        if shared.keeps_any and self._account is None:
            self._account = shared.memory.account()
        if shared.auth is not None and self._next.is_home:
            new_capture = self._new_capture if shared.keeps_wire else None
            note = functools.partial(self._note, target.url)
            return shared.auth.perform(request, timeout_s, new_capture, note, self._account)
        exchange = shared.transport.lend()
        blocks = Blocks() if shared.keeps_body else None
        capture = self._new_capture(request) if shared.keeps_wire else None
        try:
            sink = blocks.append if blocks else self._log_in.sink if self._log_in else None
            exchange.perform(request, timeout_s, pin, sink, capture, self._account)
        finally:
            answer = exchange.answer()
            pieces = None if blocks is None else blocks.take()
            self._note(target.url, answer, pieces, exchange.repeats, exchange.paused_s)
            shared.transport.give_back(exchange)
            if capture is not None:
                capture.end(request.body, answer.remote_ip)
        return answer

    def _note(
        self,
        url: str,
        answer: Answer,
        pieces: list[bytes] | None,
        repeats: int,
        paused_s: float,
    ) -> None:
        """Record what an exchange received, also one that failed."""
        self._left_s += paused_s
        self._repeats += repeats
        self._log.note(url, answer)
        if self._log_in is not None:
            self._log_in.search(pieces or ())
        if pieces is not None and answer.status and self._shared.keeps_body:
            self.body = None if answer.redirect_to else b"".join(pieces)

    def _new_capture(self, request: Request) -> Capture:
        hidden = self._log_in.hidden if self._log_in else frozenset[str]()
        capture = Capture(request.url, time.time(), hidden)
        self.captures.append(capture)
        return capture

    # -- the end -----------------------------------------------------------------------------

    def _end(self, failure: Failure | None) -> None:
        """End the attempt: with a result, or with a wait for the next attempt."""
        answer = self._log.answer
        if failure is None and self._log_in is not None and self._log_in.rule:
            self._end_logged_out(self._log_in, answer)
            return
        if failure is None and answer.status < 400:
            if self._conditional is not None and self._conditional.confirmed is not None:
                self._take_confirmed(self._conditional.confirmed)
            self._record(_OK)
            return
        ending = self._failed = ending_of(failure, answer)
        self.trouble = failure.message if failure and ending.outcome in UNREACHED else ""
        polite = self._shared.settings.polite
        self.rest_s = retry.rest_s(polite, answer.status, answer.headers, time.time())
        self.rest_why = "" if self.rest_s is None else str(answer.status)
        backoff_s = retry.backoff_s(
            self._shared.settings.retry,
            self._attempt - (self._log_in.count if self._log_in else 0),
            self._task.method,
            ending.outcome,
            answer.status,
            random.random(),
        )
        if backoff_s is None:
            self._record(ending)
        else:
            self.wait_s = max(backoff_s, self.rest_s or 0.0)
            self._start_attempt()

    def _end_logged_out(self, log_in: LineLogIn, answer: Answer) -> None:
        ending = log_in.hold(answer)
        if ending is not None:
            self._record(ending)
        elif self._account is not None:
            self._account.give_way()

    def _goes_on(self, log_in: LineLogIn) -> bool:
        """Whether the step may make a hop; not while the line waits for a new session."""
        self.wait_s = log_in.wait_s
        if log_in.held is None or self.wait_s:
            return not self.wait_s
        ending = log_in.release()
        if ending is not None:
            self._record(ending)
            return False
        self._start_attempt()
        return True

    def release(self) -> None:
        self.body = None
        self.captures = []
        if self._account is not None:
            self._account.close()
            self._account = None

    def give_up(self, why: str) -> None:
        self._attempt -= 1
        ending = self._failed or Ending(Outcome.CONNECT, ErrorKind.CONNECT_NOT_TRIED)
        self._record(ending._replace(error=why))

    def _take_confirmed(self, previous: Previous) -> None:
        """The body of the earlier answer stands for the one that did not come."""
        self.body = previous.body
        if self.body and self._account is not None:
            self._account.add(len(self.body))

    def _record(self, ending: Ending) -> None:
        spent_s = self._shared.settings.http.total_timeout_s - self._left_s
        started_at = self._started_at and round(self._started_at, 3)
        attempts = self._attempt + self._repeats
        spent = Spent(attempts, started_at, round(spent_s * 1000, 3), self._shared.worker)
        result = self._log.result(self._task, self._next.hops, ending, spent)
        self.result = replace(result, location=self._location) if self._location else result
