"""What a role's sockets require of their peers. The base class requires nothing.

Transport and roles know this interface only; keys and CURVE are in fetcher.security.curve and
fetcher.security.role_policy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fetcher.security.rejections import Rejections


class Security:
    """No keys: every peer that reaches a socket may use it, as over private ipc sockets."""

    has_keys = False  # whether peers prove who they are
    learns_refusals = False  # whether `check` finds out that a server refuses this role

    def __init__(self) -> None:
        self.rejections = Rejections()

    def options(self, channel: str, *, bind: bool) -> dict[int, Any]:
        """Return the socket options of one end of a channel."""
        return {}

    def watch(self, socket: Any, channel: str, address: str) -> None:
        """Take note of a new socket, before it is bound or connected."""

    def forget(self, socket: Any) -> None:
        """Stop watching a socket that is about to be closed and replaced."""

    def sender(self, frame: Any, channel: str) -> str:
        """Return the peer under whose key a server received this frame.

        Returns "", and counts the message as rejected, if that peer may not use the channel.
        """
        return ""

    def vouches(self, sender: str, message: Any, channel: str) -> bool:
        """Return whether this sender may send this message; count it as rejected if not."""
        return True

    def revoked(self, workers: Iterable[str]) -> list[str]:
        """Return those of the workers whose key was revoked since the last call."""
        return []

    def check(self) -> None:
        """Raise UsageError if a server has refused this role's key, or requires one."""

    def close(self) -> None:
        """Stop watching; call it before the sockets' context is destroyed."""


NO_KEYS: Final = Security()
