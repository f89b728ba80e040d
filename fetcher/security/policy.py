"""What a role's sockets ask of their peers; here: nothing, as on one host over private sockets.

Law: the channel and the roles know this interface alone; keys and CURVE are behind it (see curve).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fetcher.security.rejections import Rejections


class Security:
    """No keys: everybody who reaches a socket may use it."""

    keyed = False  # whether peers prove who they are
    is_told = False  # whether `check` knows where a server lets us in or not

    def __init__(self) -> None:
        self.refusals = Rejections()

    def options(self, way: str, *, bind: bool) -> dict[int, Any]:
        """The socket options of one end of a way."""
        return {}

    def watch(self, socket: Any, way: str, address: str) -> None:
        """Called with each new socket, before it is bound or connected."""

    def forget(self, socket: Any) -> None:
        """Called before a socket is closed that another takes the place of."""

    def sender(self, frame: Any, way: str) -> str:
        """The peer under whose key a server got this frame; "" (counted) where it may not speak."""
        return ""

    def vouches(self, sender: str, message: Any, way: str) -> bool:
        """Whether this sender may say this; counted where not."""
        return True

    def revoked(self, workers: Iterable[str]) -> list[str]:
        """Those of the workers whose key has left the list since this was asked last."""
        return []

    def check(self) -> None:
        """Raises UsageError where a server has refused our own key, or asks for one."""

    def close(self) -> None:
        """To be called before the sockets' context is destroyed."""


NO_KEYS: Final = Security()
