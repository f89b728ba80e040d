"""The security of the unpatched processes: CURVE sockets, and a doorkeeper beside them.

Law: a role that binds has a list of peers; one that only connects learns where its key is refused,
and one without keys where it needs some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fetcher.errors import UsageError
from fetcher.security import keyring as keys
from fetcher.security.authenticator import Authenticator
from fetcher.security.curve import Curve, Listed
from fetcher.security.policy import Security
from fetcher.security.rejections import Rejections


class _Kept(Security):
    """With a doorkeeper."""

    is_told = True
    _doorkeeper: Authenticator

    def check(self) -> None:
        if self._doorkeeper.refused:
            raise UsageError(self._doorkeeper.refused)

    def forget(self, socket: Any) -> None:
        self._doorkeeper.forget(socket)

    def close(self) -> None:
        self._doorkeeper.close()


class Keyless(_Kept):
    """Without keys: is told where a server asks for some, as libzmq gives up there."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self._doorkeeper = Authenticator(self.refusals, None, has_keys=False)

    def watch(self, socket: Any, way: str, address: str) -> None:
        if keys.SERVER_OF[way] != self._role:
            self._doorkeeper.watch(socket, way, address, bind=False)


class Watching(_Kept, Curve):
    """Of an unpatched process that only connects: is told where its key is refused."""

    def __init__(self, keyring: keys.Keyring, say: Callable[[str], None]) -> None:
        super().__init__(keyring)
        self.refusals = Rejections(say)
        self._doorkeeper = Authenticator(self.refusals, None)

    def watch(self, socket: Any, way: str, address: str) -> None:
        self._doorkeeper.watch(socket, way, address, bind=False)


class Guarding(Listed, _Kept):
    """Of a role that binds."""

    def __init__(self, keyring: keys.Keyring) -> None:
        super().__init__(keyring)
        self._doorkeeper = Authenticator(self.refusals, self.allowed)

    def watch(self, socket: Any, way: str, address: str) -> None:
        bind = keys.SERVER_OF[way] == self.keyring.name
        self._doorkeeper.watch(socket, way, address, bind=bind)

    def revoked(self, workers: Iterable[str]) -> list[str]:
        gone = self._doorkeeper.revoked
        if gone.empty():
            return []
        peers = [gone.get() for _ in range(gone.qsize())]
        return [worker for worker in workers if any(keys.belongs(worker, key) for key in peers)]


def of_role(folder: str, role: str) -> Security:
    """For the ventilator or the sink; without a folder, nothing is asked. Raises UsageError."""
    return Guarding(keys.load(Path(folder), role)) if folder else Keyless(role)


def of_supervisor(folder: str, say: Callable[[str], None]) -> Security:
    """For the supervisor of workers, under their key. Raises UsageError."""
    return Watching(keys.load(Path(folder), keys.WORKER), say) if folder else Keyless(keys.WORKER)
