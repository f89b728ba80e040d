"""What several children refuse alike at their start is told once."""

from __future__ import annotations

from typing import Final

from fetcher.telemetry import logs

_ALIKE_S: Final = 5.0  # the same complaint of another child in this time is not repeated


class Complaints:
    """Those of one supervisor's children."""

    def __init__(self) -> None:
        self._said_at: dict[str, float] = {}

    def is_repeated(self, line: str, now: float) -> bool:
        """Whether the line is a complaint that was made a moment ago."""
        complaint = logs.complaint(line)
        if complaint is None:
            return False
        said_at = self._said_at.get(complaint, -_ALIKE_S)
        self._said_at[complaint] = now
        return now - said_at < _ALIKE_S
