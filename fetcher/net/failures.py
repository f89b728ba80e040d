"""A fetch that failed, as an exception within the fetch core."""

from __future__ import annotations

from fetcher.model import Outcome


class Failure(Exception):
    """A fetch that ended with this outcome; `message` is one line of plain words."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


class CutShort(Failure):
    """A body that ended too early."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.PROTOCOL, message)


class CutHead(Failure):
    """A response that ended within its head."""

    def __init__(self) -> None:
        super().__init__(Outcome.PROTOCOL, "the response breaks off in its headers")


class BadLength(Failure):
    """A response of which nobody knows how long it is."""

    def __init__(self) -> None:
        super().__init__(Outcome.PROTOCOL, "malformed or contradictory Content-Length")


class ConnectTimedOut(Failure):
    """A connection that was not made in time."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.TIMEOUT, message)


class Undecodable(Failure):
    """A body that is not what its Content-Encoding says."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.PROTOCOL, message)
