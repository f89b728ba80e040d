"""The session as one worker has it; see logins.session_broker.

Pure. While `is_waiting`, the worker begins no request: it has no session yet, or servers refuse
the one that it has. It asks again with each heartbeat, so that a lost message only delays.
"""

from __future__ import annotations

from typing import NamedTuple

from fetcher.logins.session_broker import ventilator_of
from fetcher.protocol.bounds import MAX_TEXT
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


class Reaction(NamedTuple):
    """The worker's reaction to a message."""

    answer: LoggedIn | LoginFailed | None = None  # to be sent to the ventilator
    ticket: int = 0  # log in now, by this order; 0: there is nothing to do
    is_news: bool = False  # `is_waiting` or the session may have changed


class SessionHolder:
    """`generation`: of the session that this worker uses, 0 before the first."""

    def __init__(self, worker: str) -> None:
        self.generation = 0
        self.secrets = Secrets()
        self._worker = worker
        self._is_refused = False
        self._ventilator = 0
        self._ticket = 0  # of the last order to log in
        self._answer: LoggedIn | LoginFailed | None = None  # to that order

    @property
    def is_waiting(self) -> bool:
        """Whether requests must wait until a Session or a NoSession arrives."""
        return self._is_refused or not self.generation

    def refused(self, generation: int) -> NeedSession | None:
        """A server's answer asks for a log-in; return what to send at once."""
        if generation != self.generation or self._is_refused:
            return None
        self._is_refused = True
        return self.request()

    def request(self) -> NeedSession | None:
        """Return what to send with each heartbeat."""
        if self._is_refused:
            # To another ventilator, the number says nothing.
            after = 0 if self._is_foreign else self.generation
            return NeedSession(self._worker, after)
        is_needed = self._is_foreign or not self.generation
        return NeedSession(self._worker, 0) if is_needed else None

    @property
    def _is_foreign(self) -> bool:
        """Whether the session is one of an earlier ventilator."""
        return self._ventilator != 0 and ventilator_of(self.generation) != self._ventilator

    def hear_ventilator(self, number: int) -> None:
        """Note which ventilator there is; a new one does not know the session."""
        self._ventilator = number

    def hear(self, message: AnyLogin) -> Reaction:
        """Apply a message of the ventilator."""
        match message:
            case Session() if message.generation != self.generation:
                self.generation, self.secrets = message.generation, message.secrets
                self._is_refused = False
                return Reaction(is_news=True)
            case NoSession(generation=self.generation) if self._is_refused:
                self._is_refused = False
                return Reaction(is_news=True)
            case LogIn(worker=self._worker):
                return self._obey(message)
        return Reaction()

    def _obey(self, order: LogIn) -> Reaction:
        if order.ticket == self._ticket:
            return Reaction(self._answer)
        self._ticket, self._answer = order.ticket, None
        if self.generation and not self._is_refused and not order.after:
            self._answer = LoggedIn(self._worker, order.ticket, self.secrets)
            return Reaction(self._answer)
        return Reaction(ticket=order.ticket)

    def logged_in(self, ticket: int, secrets: Secrets) -> LoggedIn | None:
        """The log-in by this order has ended well; return what to send."""
        if ticket != self._ticket:
            return None
        self._answer = answer = LoggedIn(self._worker, ticket, secrets)
        return answer

    def failed(self, ticket: int, error: str) -> LoginFailed | None:
        """The log-in by this order has failed; return what to send."""
        if ticket != self._ticket:
            return None
        self._answer = answer = LoginFailed(self._worker, ticket, error[:MAX_TEXT])
        return answer
