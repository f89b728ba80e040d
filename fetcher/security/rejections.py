"""Counts and logs the peers and messages that were refused.

A flood of refusals must not fill the log: for each reason and socket, the first refusal is logged,
then the 10th, the 100th and so on. The counters count all of them.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from typing import Final

from fetcher.telemetry import drops

log = logging.getLogger(__name__)


class Reason(enum.StrEnum):
    """Why a peer, or a message, was refused."""

    UNKNOWN_KEY = "unknown_key"
    NOT_ALLOWED = "not_allowed"
    WRONG_SERVER_KEY = "wrong_server_key"
    NOT_CURVE = "not_curve"
    LEFT = "left"
    SILENT = "silent"
    REVOKED = "revoked"
    IMPOSTOR = "impostor"
    HUNG_UP = "hung_up"


_MEANING: Final = {
    Reason.UNKNOWN_KEY: "its key is on no list",
    Reason.NOT_ALLOWED: "its key is that of another role",
    Reason.WRONG_SERVER_KEY: "it has another public key of this server, perhaps an old one",
    Reason.NOT_CURVE: "it connected without keys",
    Reason.LEFT: "it left before it had shown a key, as a role without keys does",
    Reason.SILENT: "it did not say in time who it is",
    Reason.REVOKED: "its key is no longer on the list",
    Reason.IMPOSTOR: "it uses the name of another worker",
    # A server that refuses us.
    Reason.HUNG_UP: "it does not complete the handshake; is its public key that this role "
    "has an old one?",
}
_OF_MESSAGES: Final = frozenset({Reason.REVOKED, Reason.IMPOSTOR})


class Rejections:
    """Counts refusals by reason, here and in telemetry.drops. Thread-safe."""

    def __init__(self, say: Callable[[str], None] = log.warning) -> None:
        self.counts: dict[Reason, int] = dict.fromkeys(Reason, 0)
        self._say = say
        self._lock = threading.Lock()
        self._logged: dict[tuple[Reason, str], tuple[int, int]] = {}  # -> count, next to be logged

    def add(self, reason: Reason, who: str, where: str) -> None:
        """Count one refusal; `who`: address or name of the peer, `where`: channel or address."""
        with self._lock:
            self.counts[reason] += 1
            (drops.DROPPED if reason in _OF_MESSAGES else drops.REFUSED)[reason.value] += 1
            count, next_logged = self._logged.get((reason, where), (0, 1))
            count += 1
            is_due = count == next_logged
            self._logged[reason, where] = count, next_logged * 10 if is_due else next_logged
        if not is_due:
            return
        so_far = f" ({count} such so far)" if count > 1 else ""
        self._say(f"refused {who} at {where}: {_MEANING[reason]}{so_far}")
