"""A fetch, or a log-in, that failed, as an exception within the fetch core."""

from __future__ import annotations

from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.model import Outcome

# Timeouts before a connection can carry a request.
CONNECTING: Final = frozenset({ErrorKind.TIMEOUT_CONNECT, ErrorKind.TIMEOUT_TLS})


class Failure(Exception):
    """Ends an attempt with an error of this kind; `message` is one line for people."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def outcome(self) -> Outcome:
        return self.kind.outcome


class LoginFailure(Exception):
    """The log-in failed; the text is one line, and shows nothing of a session."""
