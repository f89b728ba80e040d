"""Applies the orders of the live page (pause, go on, stop) to the ledger, and a signal to stop.

A job that stops hands out nothing, and tells its workers so, before `StoppedError` ends it.
"""

from __future__ import annotations

import logging
from typing import Final

from fetcher.errors import StoppedError
from fetcher.leases.ledger import Ledger
from fetcher.watch.web.control_mailbox import ControlMailbox

log = logging.getLogger(__name__)

STOPPED: Final = "stopped; the same command resumes"
STOPPING_S: Final = 2.0  # how long supervisors hear that everything stops, before it stops


class PageOrders:
    """The orders for one job. `drain_s`: see RoleSpec."""

    def __init__(self, mailbox: ControlMailbox, ledger: Ledger, drain_s: float) -> None:
        self._mailbox = mailbox
        self._ledger = ledger
        self._drain_s = drain_s
        self._stopping_since: float | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether the job is to stop."""
        return self._stopping_since is not None

    def obey(self, now: float, *, has_signal: bool) -> bool:
        """Apply the orders; whether one was new. Raises StoppedError when it is time to leave.

        `has_signal`: the job stops as if the page had ordered it.
        """
        if self._stopping_since is not None:
            self._leave_if_due(now - self._stopping_since)
            return False
        if self._mailbox.shall_stop or has_signal:
            log.info("asked to stop")
            self._stopping_since = now
            self._ledger.pause(now)
            return True
        if self._mailbox.shall_pause == self._ledger.is_paused:
            return False
        if self._mailbox.shall_pause:
            log.info("paused: nothing is handed out, and workers begin nothing")
            self._ledger.pause(now)
        else:
            log.info("resumed")
            self._ledger.resume(now)
        return True

    def _leave_if_due(self, since_s: float) -> None:
        has_none = since_s > STOPPING_S and not self._ledger.workers
        if has_none or since_s > max(STOPPING_S, self._drain_s):
            raise StoppedError(STOPPED)
