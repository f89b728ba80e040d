"""Decides who logs in, and which session is valid: in a job, one worker at a time logs in.

Pure; its state may be lost. Lost messages only cause delay: a worker asks again until it has a
session, and the order to log in is repeated until it is answered. If the worker that logs in dies
or does not answer, another one gets the order. A session has a generation, a number that no other
session has, not even one of an earlier ventilator. Many requests for a session after the same
generation lead to one log-in. New log-ins are bounded in number; beyond that, workers learn that
they get no new session for now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

import msgspec

from fetcher.errors import FetcherError, LoginError, LoginLostError
from fetcher.protocol.login_messages import (
    AnyLogin,
    LoggedIn,
    LogIn,
    LoginFailed,
    NeedSession,
    NoSession,
    Secrets,
    Session,
)

_SAY_AGAIN_S: Final = 1.0  # between two orders to log in
_SEND_AGAIN_S: Final = 0.1  # between two sessions that are sent
_MARGIN_S: Final = 10.0  # a worker may take so much longer than the limit to answer
_MAX_LOST: Final = 3  # workers in a row that died, or were silent, while they logged in
_PAUSES_S: Final = (2.0, 10.0)  # after a new log-in that failed
_FORGET_S: Final = 60.0  # a worker that does not live is forgotten so long after it asked
_UNABLE_S: Final = 10.0  # workers that live ask for a session sooner than that
_VENTILATOR_BITS: Final = 32


def first_generation(ventilator: int) -> int:
    """The number above which the generations of this ventilator begin."""
    return ventilator << _VENTILATOR_BITS


def ventilator_of(generation: int) -> int:
    """The number of the ventilator that has this generation."""
    return generation >> _VENTILATOR_BITS


class LoginRules(msgspec.Struct, frozen=True):
    """See the settings of the same names in [http]."""

    login_timeout_s: float = 60.0
    max_logins: int = 10
    login_window_s: float = 600.0


_USUAL: Final = LoginRules()


class _Order(msgspec.Struct):
    """The order to log in that one worker has."""

    worker: str
    ticket: int
    ends_at: float
    say_at: float


class SessionBroker:
    """The ventilator's broker. `generation`: of the valid session, 0 before the first."""

    def __init__(
        self, rules: LoginRules = _USUAL, first: int = 0, *, is_required: bool = True
    ) -> None:
        """`first`: generations and tickets begin above it; see `first_generation`.

        `is_required`: the job logs in, as the settings name a log-in. Otherwise nothing waits for
        one, and what workers say about log-ins is ignored: a worker that wants one learns with
        its first lines that the job has none, and ends.
        """
        self.generation = 0
        self._rules = rules
        self._last = first  # generation or ticket
        self.is_required = is_required
        self._secrets = Secrets()
        self._able: dict[str, float] = {}  # workers that can log in -> when they asked last
        self._living: Collection[str] = ()
        self._order: _Order | None = None
        self._is_refused = False  # servers refuse the valid session
        self._begun: deque[float] = deque()  # when the last new log-ins began
        self._lost = 0  # in a row
        self._failed = 0  # in a row
        self._not_before = 0.0
        self._is_asked = False  # the valid session is to be sent
        self._sent_at = float("-inf")
        self._is_denied = False  # workers are to be sent a NoSession
        self._was_denied = False  # and the user was informed
        self._unable_since: float | None = None  # no worker that lives can log in
        self._notices: list[str] = []

    @property
    def is_ready(self) -> bool:
        """Whether lines may be handed out."""
        if self.generation:
            return not self._is_refused
        return not self.is_required

    @property
    def trouble(self) -> str:
        """Why lines wait for a log-in; "" if they do not."""
        if self.is_ready:
            return ""
        if self._order is not None:
            return f"waits for the log-in (http.login) of {self._order.worker}"
        return "waits for a worker that can log in (http.login)"

    # -- events ------------------------------------------------------------------------------

    def receive(self, event: object, now: float) -> bool:
        """Apply an event of a worker; return False if it is not about log-ins.

        Raises LoginError if the first log-in of the job failed, LoginLostError if later ones did.
        """
        match event:
            case NeedSession() | LoggedIn() | LoginFailed() if not self.is_required:
                pass
            case NeedSession():
                self._need(event.worker, event.after, now)
            case LoggedIn() if self._is_answer(event):
                self._begin_session(event.secrets)
            case LoginFailed() if self._is_answer(event):
                self._note_failure(event.error, now)
            case LoggedIn() | LoginFailed():
                pass  # an answer to an order that another worker has by now
            case _:
                return False
        return True

    def _is_answer(self, event: LoggedIn | LoginFailed) -> bool:
        order = self._order
        return order is not None and (order.worker, order.ticket) == (event.worker, event.ticket)

    def _need(self, worker: str, after: int, now: float) -> None:
        self._able[worker] = now
        if not self.generation or self._is_refused:
            return
        if after != self.generation:
            self._is_asked = True
        elif self._may_log_in(now):
            self._is_refused, self._was_denied = True, False
            self._begun.append(now)
        else:
            self._deny()

    def _may_log_in(self, now: float) -> bool:
        while self._begun and self._begun[0] <= now - self._rules.login_window_s:
            self._begun.popleft()
        return len(self._begun) < self._rules.max_logins

    def _deny(self) -> None:
        self._is_denied = True
        if not self._was_denied:
            self._was_denied = True
            rules = self._rules
            self._notices.append(
                f"answers fit http.logged_out again after {rules.max_logins} new log-ins within "
                f"{rules.login_window_s:g} s (http.max_logins, http.login_window_s): until that "
                "time is over, such lines end as http_error"
            )

    def _begin_session(self, secrets: Secrets) -> None:
        self._order = None
        self._last += 1
        self.generation, self._secrets = self._last, secrets
        self._is_refused = False
        self._lost = self._failed = 0
        self._is_asked, self._sent_at = True, float("-inf")

    def _note_failure(self, error: str, now: float) -> None:
        self._order = None
        self._lost = 0
        self._failed += 1
        if not self.generation or self._failed > len(_PAUSES_S):
            raise self._error(error)
        pause_s = _PAUSES_S[self._failed - 1]
        self._not_before = now + pause_s
        self._notices.append(f"a new log-in failed; tried again in {pause_s:g} s: {error}")

    def _error(self, why: str) -> FetcherError:
        if not self.generation:
            return LoginError(f"http.login: {why}; nothing was fetched")
        return LoginLostError(
            f"http.login: no new session after {self._failed + self._lost} tries: {why}; the same "
            "command resumes"
        )

    # -- time and workers --------------------------------------------------------------------

    def tick(self, living: Collection[str], now: float) -> None:
        """These workers live: choose one if a log-in is needed. Raises as `receive` does."""
        if not self.is_required:
            return
        self._living = living
        for worker, asked_at in list(self._able.items()):
            if worker not in living and now - asked_at > _FORGET_S:
                del self._able[worker]
        order = self._order
        if order is not None and (order.worker not in living or now > order.ends_at):
            self._lose(order, now)
        is_needed = self._is_refused or not self.generation
        if self._order is None and is_needed and now >= self._not_before:
            self._choose(now)

    def _lose(self, order: _Order, now: float) -> None:
        self._order = None
        self._lost += 1
        # All others come before it.
        self._able[order.worker] = self._able.pop(order.worker, now)
        did = "did not answer" if order.worker in self._living else "ended"
        if self._lost >= _MAX_LOST:
            raise self._error(f"{_MAX_LOST} workers in a row ended, or were silent, in the log-in")
        self._notices.append(f"{order.worker} {did} while it logged in; another worker does it")

    def _choose(self, now: float) -> None:
        worker = next((each for each in self._able if each in self._living), None)
        if worker is None:
            self._note_unable(now)
            return
        self._last += 1
        ends_at = now + self._rules.login_timeout_s + _MARGIN_S
        self._order = _Order(worker, self._last, ends_at, now)

    def _note_unable(self, now: float) -> None:
        if not self._living:
            return
        if self._unable_since is None:
            self._unable_since = now
        elif now - self._unable_since > _UNABLE_S:
            self._unable_since = float("inf")
            self._notices.append("no worker can log in: give http.login to the workers, too")

    # -- messages to the workers, and lines for the user -------------------------------------

    def messages(self, now: float) -> list[AnyLogin]:
        """The messages to send to the workers now."""
        found: list[AnyLogin] = []
        order = self._order
        if order is not None and now >= order.say_at:
            order.say_at = now + _SAY_AGAIN_S
            found.append(LogIn(order.worker, order.ticket, self.generation))
        if self._is_asked and now - self._sent_at >= _SEND_AGAIN_S:
            self._is_asked, self._sent_at = False, now
            found.append(Session(self.generation, self._secrets))
        if self._is_denied:
            self._is_denied = False
            found.append(NoSession(self.generation))
        return found

    def notices(self) -> list[str]:
        """The lines for the user that are new since the last call."""
        notices, self._notices = self._notices, []
        return notices
