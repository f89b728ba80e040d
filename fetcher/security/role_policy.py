"""The security of the unpatched processes: CURVE sockets, watched by an authenticator.

A role that binds has a list of peers. A role that only connects learns that a server refuses its
key; one without keys learns that a server requires them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fetcher.errors import UsageError
from fetcher.security import keyring as keys
from fetcher.security.authenticator import Authenticator
from fetcher.security.curve import Curve, CurveServer
from fetcher.security.policy import Security
from fetcher.security.rejections import Rejections


class _Watched(Security):
    """A policy whose sockets an authenticator watches."""

    learns_refusals = True
    _authenticator: Authenticator

    def check(self) -> None:
        if self._authenticator.refusal:
            raise UsageError(self._authenticator.refusal)

    def forget(self, socket: Any) -> None:
        self._authenticator.forget(socket)

    def close(self) -> None:
        self._authenticator.close()


class KeylessSecurity(_Watched):
    """For a role without keys: learns that a server requires them, as libzmq gives up there."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._authenticator = Authenticator(self.rejections, None, has_keys=False)

    def watch(self, socket: Any, channel: str, address: str) -> None:
        if keys.SERVER_OF[channel] != self._role:
            self._authenticator.watch(socket, channel, address, bind=False)


class ClientSecurity(_Watched, Curve):
    """For a process that only connects: learns that a server refuses its key."""

    def __init__(self, keyring: keys.Keyring, say: Callable[[str], None]) -> None:
        super().__init__(keyring)
        self.rejections = Rejections(say)
        self._authenticator = Authenticator(self.rejections, None)

    def watch(self, socket: Any, channel: str, address: str) -> None:
        self._authenticator.watch(socket, channel, address, bind=False)


class ServerSecurity(CurveServer, _Watched):
    """For a role that binds: lets in the peers of its list only."""

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__(keyring)
        self._authenticator = Authenticator(self.rejections, self.allowed)

    def watch(self, socket: Any, channel: str, address: str) -> None:
        bind = keys.SERVER_OF[channel] == self.keyring.name
        self._authenticator.watch(socket, channel, address, bind=bind)

    def revoked(self, workers: Iterable[str]) -> list[str]:
        revoked = self._authenticator.revoked
        if revoked.empty():
            return []
        peers = [revoked.get() for _ in range(revoked.qsize())]
        return [worker for worker in workers if any(keys.belongs(worker, key) for key in peers)]


def of_role(folder: str, role: str) -> Security:
    """Return the policy of the ventilator or the sink; `folder` "" means no keys.

    Raises UsageError if the folder does not hold the role's keys.
    """
    return ServerSecurity(keys.load(Path(folder), role)) if folder else KeylessSecurity(role)


def of_supervisor(folder: str, say: Callable[[str], None]) -> Security:
    """Return the policy of a supervisor of workers, which uses their key; "" means no keys.

    `say` gets a line for each kind of failure to connect. Raises UsageError as `of_role` does.
    """
    if not folder:
        return KeylessSecurity(keys.WORKER)
    return ClientSecurity(keys.load(Path(folder), keys.WORKER), say)
