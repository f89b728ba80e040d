"""A fetch that failed, as an exception within the fetch core."""

from __future__ import annotations

from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.model import Outcome

# Timeouts before the connection could carry a request.
CONNECTING: Final = frozenset({ErrorKind.TIMEOUT_CONNECT, ErrorKind.TIMEOUT_TLS})


class Failure(Exception):
    """A fetch that ended so; `message` is one line for people."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def outcome(self) -> Outcome:
        return self.kind.outcome
