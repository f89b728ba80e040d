"""A worker's part in the log-in of the job: asks for the session, uses it, and logs in if ordered.

logins.session_holder decides; here its decisions become messages, and a call of the user's function
in a greenlet of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from fetcher.errors import ConfigError
from fetcher.fetch.failures import LoginFailure
from fetcher.fetch.interface import Fetcher, HasLogIns
from fetcher.logins.session_holder import SessionHolder
from fetcher.protocol.login_messages import AnyLogin

if TYPE_CHECKING:
    from fetcher.fetch.http.log_in import LogIns

log = logging.getLogger(__name__)


class LoginKeeper:
    """The session of one worker; without http.login, nothing happens here.

    `changed` is called when requests may begin again.
    """

    def __init__(self, worker: str, fetcher: Fetcher, send: Callable[[AnyLogin], object]) -> None:
        """`send` sends a message to the ventilator."""
        self.changed: Callable[[], None] = lambda: None
        self._holder = SessionHolder(worker)
        self._send = send
        self._call: gevent.Greenlet | None = None  # of the function
        self._log_ins: LogIns | None = None
        if isinstance(fetcher, HasLogIns) and fetcher.log_ins is not None:
            self._log_ins = fetcher.log_ins
            self._log_ins.refused = self._refused
            self._log_ins.is_waiting = lambda: self._holder.is_waiting

    @property
    def is_waiting(self) -> bool:
        """Whether requests must wait for a session."""
        return self._log_ins is not None and self._holder.is_waiting

    def require_as_job(self, *, logs_in: bool) -> None:
        """Raises ConfigError unless this worker logs in exactly if the job does."""
        if logs_in and self._log_ins is None:
            raise ConfigError(
                "the job logs in (http.login of its ventilator), and this worker would fetch its "
                "lines without the session; give http.login to this worker, too"
            )
        if self._log_ins is not None and not logs_in:
            raise ConfigError(
                "http.login is set for this worker, but the job's ventilator does not have it; "
                "give http.login to the ventilator, too, or start this worker without it"
            )

    def ask(self) -> None:
        """Ask for a session if one is needed; call this with each heartbeat."""
        self._send_if(self._holder.request() if self._log_ins else None)

    def _refused(self, generation: int) -> None:
        self._send_if(self._holder.refused(generation))

    def hear_ventilator(self, number: int) -> None:
        """Note which ventilator there is."""
        self._holder.hear_ventilator(number)

    def hear(self, message: AnyLogin) -> None:
        """Do what a message of the ventilator says."""
        if self._log_ins is None:
            return
        reaction = self._holder.hear(message)
        self._send_if(reaction.answer)
        if reaction.ticket:
            self._begin(self._log_ins, reaction.ticket)
        if reaction.is_news:
            self._log_ins.use(self._holder.generation, self._holder.secrets)
            self.changed()

    def _begin(self, log_ins: LogIns, ticket: int) -> None:
        if self._call is not None:
            self._call.kill(block=False)  # it serves an order that is no longer valid
        self._call = gevent.spawn(self._log_in, log_ins, ticket)

    def _log_in(self, log_ins: LogIns, ticket: int) -> None:
        log.info("logs in (http.login)")
        try:
            secrets = log_ins.function.log_in()
        except LoginFailure as failure:
            self._send_if(self._holder.failed(ticket, str(failure)))
        else:
            self._send_if(self._holder.logged_in(ticket, secrets))

    def _send_if(self, message: AnyLogin | None) -> None:
        if message is not None:
            self._send(message)
