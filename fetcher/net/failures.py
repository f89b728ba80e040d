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


class Undecodable(Failure):
    """A body that is not what its Content-Encoding says."""

    def __init__(self, message: str) -> None:
        super().__init__(Outcome.PROTOCOL, message)
