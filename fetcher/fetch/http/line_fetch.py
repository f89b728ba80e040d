"""Fetches one URL line with libcurl: hop by hop and attempt by attempt.

Each hop passes the same checks as a first request: URL, address, turn of the host. Whatever a
server, a name server or a URL does, a step raises nothing. No cookie outlives its chain of
redirects.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.capture import Capture
from fetcher.fetch.body.intake import NOTHING_KEPT, Intake
from fetcher.fetch.dns.pins import Pin
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.attempt import AttemptLog, Ending, Spent, ending_of
from fetcher.fetch.http.conditional import Conditional
from fetcher.fetch.http.kept import Kept
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
    from fetcher.fetch.requests_compat.auth import Auth

_OK: Final = Ending(Outcome.OK)
_NO_NAMES: Final = frozenset[str]()


class CurlFetch:
    """See fetcher.fetch.interface.Fetch."""

    # Of failures, which are few; what each line sets and reads is faster without a default here.
    trouble = ""
    rest_s: float | None = None
    rest_why = ""
    delay_s = 0.0
    _failed: Ending | None = None  # how the last attempt ended

    def __init__(self, shared: Shared, task: Task) -> None:
        self.result: Result | None = None
        self.wait_s = 0.0
        self.is_sent = self.has_news = False
        self._shared = shared
        self._task = task
        self._log_in = shared.log_ins.line() if shared.log_ins is not None else None
        self._conditional: Conditional | None = None  # in a refresh
        if shared.previous_of is not None:
            self._conditional = Conditional(shared.previous_of(task))
        self._kept: Kept | None = None  # of the attempt, in a job that keeps anything
        self._started_at: float | None = None
        self._attempt = 0
        self._repeats = 0  # requests that an exchange sent again, in all attempts; see Exchange
        self._location = ""  # the page that the last answer redirects to, in a crawl
        self._start_attempt()

    def _start_attempt(self) -> None:
        shared, task = self._shared, self._task
        self._attempt += 1
        self._is_allowed = False  # by the robots.txt that the last step has read
        self._left_s = shared.settings.http.total_timeout_s
        self._log = AttemptLog()
        if self._conditional is not None:
            self._conditional.begin()
        if self._kept is not None:
            self.release()
        cookies = shared.cookies if self._log_in is None else self._log_in.begin()
        self._next = NextRequest(shared, task, cookies)
        self.url = task.url

    @property
    def body(self) -> bytes | None:
        return None if self._kept is None else self._kept.body

    @property
    def captures(self) -> list[Capture]:
        return [] if self._kept is None else self._kept.captures

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
        if self._started_at is None:
            self._started_at = time.time_ns() // 1_000_000 / 1000
        if self._failed is not None:
            self.trouble, self.rest_s = "", None
        self.wait_s = 0.0
        self.is_sent = self.has_news = False
        if self._log_in is None or self._goes_on(self._log_in):
            self._try_hop()

    def _try_hop(self) -> None:
        """Make a hop; end the attempt unless another one follows."""
        clock = self._shared.clock
        began = clock.now()
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
        self._left_s -= clock.now() - began
        if is_final:
            self._end(failure)
        elif self._kept is not None:
            self._kept.account.give_way()

    def _hop(self, began: float) -> bool:
        """Make a hop; False if another one follows. Raises Failure."""
        shared = self._shared
        target = self._next.target()
        if self._left_s <= 0:
            raise shared.transport.late()
        if shared.robots is None:
            resolving = began
        elif self._is_allowed:
            self._is_allowed = False
            resolving = began
        else:
            self.is_sent = self.has_news = not shared.robots.has_requested(target)
            rules = shared.robots.rules(target, self._left_s)
            self.delay_s = rules.delay_s
            rules.check(target.url)
            if self.has_news:  # robots.txt had this turn of the host; the page needs its own
                self._is_allowed = True
                return False
            resolving = shared.clock.now()
        pin = shared.transport.pin(target, self._left_s - (resolving - began))
        asking = shared.clock.now()
        dns_s = asking - resolving
        if pin.waited_s:  # by another clock, which also counts while rows are made
            dns_s = max(0.0, dns_s - pin.waited_s)
        self._log.dns_ms = int(dns_s * 1e6) / 1000
        answer = self._ask(target, pin, self._left_s - (asking - began), asking)
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

    def _ask(self, target: Target, pin: Pin, timeout_s: float, now: float) -> Answer:
        shared = self._shared
        log_in = self._log_in
        request = self._next.made(target, log_in, self._conditional)
        self.is_sent = True
        kept = self._kept
        if kept is not None:
            kept.account.begin()
        elif shared.keeps_any:
            kept = self._kept = Kept(
                account=shared.memory.open_account(),
                keeps_body=shared.keeps_body,
                keeps_wire=shared.keeps_wire,
                hidden=_NO_NAMES if log_in is None else log_in.hidden,
            )
        if shared.auth is not None and self._next.is_home:
            return self._ask_with_auth(shared.auth, request, timeout_s)
        intake: Intake = NOTHING_KEPT
        if kept is not None:
            kept.begin(request)
            intake = kept
        if log_in is not None:
            intake = Intake() if kept is None else kept
            intake.search = log_in.sink
        exchange = shared.transport.lend()
        try:
            exchange.perform(request, timeout_s, pin, intake, now)
        finally:
            answer = exchange.answer()
            self._log.note(request.url, answer)
            self._left_s += exchange.paused_s
            self._repeats += exchange.repeats
            shared.transport.give_back(exchange)
            if kept is not None:
                if log_in is not None and kept.blocks is not None:
                    log_in.search(kept.blocks.pieces)
                kept.end(request, answer)
        return answer

    def _ask_with_auth(self, auth: Auth, request: Request, timeout_s: float) -> Answer:
        kept, log_in = self._kept, self._log_in

        def note(answer: Answer, pieces: list[bytes], repeats: int, paused_s: float) -> None:
            self._log.note(request.url, answer)
            self._left_s += paused_s
            self._repeats += repeats
            if log_in is not None:
                log_in.search(pieces)
            if kept is not None:
                kept.take(request, answer, pieces)

        if kept is None:
            return auth.perform(request, timeout_s, None, note, None)
        return auth.perform(request, timeout_s, kept.new_capture, note, kept.account)

    # -- the end -----------------------------------------------------------------------------

    def _end(self, failure: Failure | None) -> None:
        """End the attempt: with a result, or with a wait for the next attempt."""
        answer = self._log.answer
        if failure is None and self._log_in is not None and self._log_in.rule:
            self._end_logged_out(self._log_in, answer)
            return
        if failure is None and answer.status < 400:
            confirmed = None if self._conditional is None else self._conditional.confirmed
            if self._kept is not None and confirmed is not None:
                self._kept.take_confirmed(confirmed.body)
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
        elif self._kept is not None:
            self._kept.account.give_way()

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
        if self._kept is not None:
            self._kept.account.close()
            self._kept = None

    def give_up(self, why: str) -> None:
        self._attempt -= 1
        ending = self._failed or Ending(Outcome.CONNECT, ErrorKind.CONNECT_NOT_TRIED)
        self._record(replace(ending, error=why))

    def _record(self, ending: Ending) -> None:
        spent_s = self._shared.settings.http.total_timeout_s - self._left_s
        attempts = self._attempt + self._repeats
        spent_ms = int(spent_s * 1e6) / 1000  # faster than `round`
        spent = Spent(attempts, self._started_at, spent_ms, self._shared.worker)
        result = self._log.result(self._task, self._next.hops, ending, spent)
        self.result = replace(result, location=self._location) if self._location else result
