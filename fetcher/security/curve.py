"""CURVE for a role with a folder of keys: the options of its sockets, and who sent a message.

Every socket of such a role uses CURVE, whatever its address. A worker's process, which gevent has
patched, uses this module only; other processes have an authenticator, too (see role_policy).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import zmq

from fetcher.security import keyring as keys
from fetcher.security.policy import Security
from fetcher.security.rejections import Reason

# libzmq closes a connection whose peer has not proven its key by then.
HANDSHAKE_S: Final = 3.0
# Channels that a single peer may use; all peers of the list may use the others.
ONLY_PEER: Final = {"commits": keys.VENTILATOR}
# A server receives nothing but handshakes and subscriptions on these.
_SEND_ONLY: Final = frozenset({"tasks", "control"})
_SEND_ONLY_MAX_BYTES: Final = 64 * 1024


class Curve(Security):
    """The policy of a role whose sockets use one keyring."""

    has_keys = True

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__()
        self.keyring = keyring

    def options(self, channel: str, *, bind: bool) -> dict[int, Any]:
        ring = self.keyring
        options: dict[int, Any] = {
            zmq.CURVE_SECRETKEY: ring.secret,
            zmq.HANDSHAKE_IVL: int(HANDSHAKE_S * 1000),
        }
        if not bind:
            server = ring.servers[keys.SERVER_OF[channel]]
            return options | {zmq.CURVE_PUBLICKEY: ring.public, zmq.CURVE_SERVERKEY: server}
        options |= {
            zmq.CURVE_SERVER: 1,
            zmq.ZAP_DOMAIN: channel.encode("ascii"),
            zmq.ZAP_ENFORCE_DOMAIN: 1,
        }
        if channel in _SEND_ONLY:
            options[zmq.MAXMSGSIZE] = _SEND_ONLY_MAX_BYTES
        return options


class CurveServer(Curve):
    """The policy of a role that binds: it takes messages while their key is on its list."""

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__(keyring)
        self.allowed = keys.AllowList(keyring.folder)

    def sender(self, frame: Any, channel: str) -> str:
        name = self.allowed.names.get(frame.get("User-Id"), "")
        if name and name == ONLY_PEER.get(channel, name):
            return name
        self.rejections.add(Reason.REVOKED, "a message", channel)
        return ""

    def vouches(self, sender: str, message: Any, channel: str) -> bool:
        worker = getattr(message, "worker", None)
        if worker is None or keys.belongs(worker, sender):
            return True
        self.rejections.add(Reason.IMPOSTOR, f"{sender} as {worker!r}", channel)
        return False


def of_worker(folder: str) -> Security:
    """Return the policy of a worker's process with this folder of keys. Raises UsageError."""
    return Curve(keys.load(Path(folder), keys.WORKER))
