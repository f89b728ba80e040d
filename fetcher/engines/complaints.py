"""Shows a complaint that several children make at their start only once."""

from __future__ import annotations

from typing import Final

from fetcher.telemetry import logs

_ALIKE_S: Final = 5.0  # the same complaint is not repeated within this time


class Complaints:
    """The complaints of one supervisor's children."""

    def __init__(self) -> None:
        self._said_at: dict[str, float] = {}

    def is_repeated(self, line: str, now: float) -> bool:
        """Return whether the line is a complaint that was made a moment ago."""
        complaint = logs.complaint(line)
        if complaint is None:
            return False
        said_at = self._said_at.get(complaint, -_ALIKE_S)
        self._said_at[complaint] = now
        return now - said_at < _ALIKE_S
