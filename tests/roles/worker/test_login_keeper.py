"""A worker's part in the log-in: what it asks for, uses and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import gevent

from fetcher.fetch.failures import LoginFailure
from fetcher.fetch.interface import Fetcher, OneStep
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
from fetcher.roles.worker.login_keeper import LoginKeeper


class LogIns:
    """See fetch.http.log_in.LogIns; the function returns what the test says."""

    def __init__(self) -> None:
        self.refused: Callable[[int], None] = lambda _: None
        self.is_waiting: Callable[[], bool] = lambda: False
        self.function = self
        self.used: list[int] = []
        self.calls = 0
        self.error = ""

    def log_in(self) -> Secrets:
        self.calls += 1
        if self.error:
            raise LoginFailure(self.error)
        return Secrets()

    def use(self, generation: int, secrets: Secrets) -> None:
        self.used.append(generation)


class Site(OneStep):
    """A fetcher with a log-in."""

    def __init__(self) -> None:
        self.log_ins = LogIns()


class Worker:
    def __init__(self) -> None:
        self.sent: list[AnyLogin] = []
        self.site = Site()
        self.keeper = LoginKeeper("w", cast(Fetcher, self.site), self.sent.append)
        self.changes = 0
        self.keeper.changed = self._changed

    def _changed(self) -> None:
        self.changes += 1

    def hear(self, message: AnyLogin) -> list[AnyLogin]:
        """Returns what is sent, once the function has ended."""
        self.sent.clear()
        self.keeper.hear(message)
        gevent.idle()
        return list(self.sent)


def test_without_a_log_in_nothing_happens() -> None:
    sent: list[AnyLogin] = []
    keeper = LoginKeeper("w", cast(Fetcher, OneStep()), sent.append)
    keeper.ask()
    keeper.hear(LogIn("w", 1, 0))
    keeper.hear(Session(1, Secrets()))
    assert (keeper.is_waiting, sent) == (False, [])


def test_a_session_is_asked_for_until_there_is_one() -> None:
    worker = Worker()
    for _ in range(2):
        worker.keeper.ask()
    assert worker.sent == [NeedSession("w", 0)] * 2
    assert worker.keeper.is_waiting
    assert worker.site.log_ins.is_waiting()
    worker.hear(Session(1, Secrets()))
    assert (worker.site.log_ins.used, worker.changes) == ([1], 1)
    assert not worker.keeper.is_waiting
    worker.keeper.ask()
    assert worker.sent == []


def test_a_refused_session_is_reported_at_once() -> None:
    worker = Worker()
    worker.hear(Session(1, Secrets()))
    worker.site.log_ins.refused(1)
    assert worker.sent == [NeedSession("w", 1)]
    assert worker.keeper.is_waiting
    assert worker.hear(NoSession(1)) == []
    assert not worker.keeper.is_waiting
    assert worker.changes == 2


def test_an_order_calls_the_function_once_however_often_it_comes() -> None:
    worker = Worker()
    assert worker.hear(LogIn("w", 5, 0)) == [LoggedIn("w", 5, Secrets())]
    assert worker.hear(LogIn("w", 5, 0)) == [LoggedIn("w", 5, Secrets())]
    assert worker.site.log_ins.calls == 1
    assert worker.hear(LogIn("another", 6, 0)) == []


def test_a_log_in_that_fails_is_reported() -> None:
    worker = Worker()
    worker.site.log_ins.error = "wrong password"
    assert worker.hear(LogIn("w", 5, 0)) == [LoginFailed("w", 5, "wrong password")]


def test_a_newer_order_ends_the_call_for_the_older_one() -> None:
    worker = Worker()
    ended = []

    def log_in() -> Secrets:
        worker.site.log_ins.calls += 1
        if worker.site.log_ins.calls == 1:
            try:
                gevent.event.Event().wait()
            finally:
                ended.append(True)
        return Secrets()

    worker.site.log_ins.log_in = log_in  # type: ignore[method-assign]
    assert worker.hear(LogIn("w", 5, 0)) == []
    assert worker.hear(LogIn("w", 6, 0)) == [LoggedIn("w", 6, Secrets())]
    assert ended == [True]
