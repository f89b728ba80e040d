"""A worker without a ventilator logs in by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import gevent
import pytest

from fetcher.errors import FetcherError
from fetcher.fetch.failures import LoginFailure
from fetcher.fetch.interface import OneStep
from fetcher.protocol.login_messages import Secrets, SessionHeader
from fetcher.roles.worker.lone_login import LoneLogin
from fetcher.settings.schema import Http

SECRETS = Secrets([], [SessionHeader("a.test", "X-Token", "t")])


class Site(OneStep):
    """A fetcher whose log-in function is the test's; see fetch.http.log_in.LogIns."""

    def __init__(self, error: str = "") -> None:
        self.log_ins = self.function = self
        self.refused: Callable[[int], None] = lambda _: None
        self.is_waiting: Callable[[], bool] = lambda: False
        self.used: list[Secrets] = []
        self._error = error

    def log_in(self) -> Secrets:
        if self._error:
            raise LoginFailure(self._error)
        return SECRETS

    def use(self, generation: int, secrets: Secrets) -> None:
        self.used.append(secrets)


def test_it_logs_in_and_again_once_the_session_is_refused() -> None:
    site = Site()
    login = LoneLogin("w", cast(Any, site), Http(login="my:function"))
    running = gevent.spawn(login.run)
    with gevent.Timeout(20):
        while len(site.used) < 1:
            gevent.sleep(0)
        assert not login.keeper.is_waiting
        site.refused(login.keeper._holder.generation)
        assert login.keeper.is_waiting
        while len(site.used) < 2:
            gevent.sleep(0)
    running.kill()
    assert site.used == [SECRETS, SECRETS]


def test_a_first_log_in_that_fails_ends_the_run() -> None:
    login = LoneLogin("w", cast(Any, Site("wrong password")), Http(login="my:function"))
    with pytest.raises(FetcherError, match="wrong password"), gevent.Timeout(20):
        login.run()
