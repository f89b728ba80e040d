"""The log-in of a worker without a ventilator: the broker and the worker's part in one process."""

from __future__ import annotations

import logging
import time
from typing import Final

import gevent

from fetcher.fetch.interface import Fetcher
from fetcher.logins.session_broker import LoginRules, SessionBroker
from fetcher.protocol.login_messages import AnyLogin
from fetcher.roles.worker.login_keeper import LoginKeeper
from fetcher.settings.schema import Http

log = logging.getLogger(__name__)

_TURN_S: Final = 0.02


class LoneLogin:
    """Logs in for one worker. `keeper`: its part."""

    def __init__(self, worker: str, fetcher: Fetcher, http: Http) -> None:
        self._worker = worker
        rules = LoginRules(http.login_timeout_s, http.max_logins, http.login_window_s)
        self._broker = SessionBroker(rules)
        self._events: list[AnyLogin] = []
        self.keeper = LoginKeeper(worker, fetcher, self._events.append)

    def run(self) -> None:
        """Exchange the messages for ever, in a greenlet. Raises FetcherError."""
        while True:
            now = time.monotonic()
            self.keeper.ask()
            while self._events:
                self._broker.receive(self._events.pop(0), now)
            self._broker.tick((self._worker,), now)
            for message in self._broker.messages(now):
                self.keeper.hear(message)
            for notice in self._broker.notices():
                log.warning("%s", notice)
            gevent.sleep(_TURN_S)
