"""CURVE for a role with a folder of keys: what its sockets must have, and whose a message is.

Law: every socket of such a role is CURVE, whichever its address. A worker's process, which is
patched, needs nothing beyond this file; who binds, or reports, has a doorkeeper.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import zmq

from fetcher.security import keyring as keys
from fetcher.security.policy import NO_KEYS, Security
from fetcher.security.rejections import Reason

# A connection that has not proven its key by then is closed.
HANDSHAKE_S: Final = 3.0
# Who may use a way where not all on the list may.
ONLY: Final = {"commits": keys.VENTILATOR}
# What comes in on a way that only sends is handshakes and subscriptions.
_SENDING: Final = frozenset({"tasks", "control"})
_SENDING_MAX_BYTES: Final = 64 * 1024


class Curve(Security):
    """The sockets of one keyring."""

    keyed = True

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__()
        self.keyring = keyring

    def options(self, way: str, *, bind: bool) -> dict[int, Any]:
        ring = self.keyring
        options: dict[int, Any] = {
            zmq.CURVE_SECRETKEY: ring.secret,
            zmq.HANDSHAKE_IVL: int(HANDSHAKE_S * 1000),
        }
        if not bind:
            server = ring.servers[keys.SERVER_OF[way]]
            return options | {zmq.CURVE_PUBLICKEY: ring.public, zmq.CURVE_SERVERKEY: server}
        options |= {
            zmq.CURVE_SERVER: 1,
            zmq.ZAP_DOMAIN: way.encode("ascii"),
            zmq.ZAP_ENFORCE_DOMAIN: 1,
        }
        if way in _SENDING:
            options[zmq.MAXMSGSIZE] = _SENDING_MAX_BYTES
        return options


class Listed(Curve):
    """Of a role that binds: messages count while their key is on its list."""

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__(keyring)
        self.allowed = keys.AllowList(keyring.folder)

    def sender(self, frame: Any, way: str) -> str:
        name = self.allowed.names.get(frame.get("User-Id"), "")
        if name and name == ONLY.get(way, name):
            return name
        self.refusals.add(Reason.REVOKED, "a message", way)
        return ""

    def vouches(self, sender: str, message: Any, way: str) -> bool:
        worker = getattr(message, "worker", None)
        if worker is None or keys.belongs(worker, sender):
            return True
        self.refusals.add(Reason.IMPOSTOR, f"{sender} as {worker!r}", way)
        return False


def of_worker(folder: str) -> Security:
    """For a worker's process; without a folder, nothing is asked. Raises UsageError."""
    return Curve(keys.load(Path(folder), keys.WORKER)) if folder else NO_KEYS
