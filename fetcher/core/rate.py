"""How fast a count grows."""

from __future__ import annotations

from collections import deque
from typing import Final

_WINDOW_S: Final = 10.0
_LEAST_S: Final = 0.2  # counts that come faster are not kept: memory has a bound


class Rate:
    """Of the last ten seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, count: int) -> None:
        """The count now; one that is less than before begins anew."""
        samples = self._samples
        if samples and count < samples[-1][1]:
            samples.clear()
        if samples and now - samples[-1][0] < _LEAST_S:
            return
        samples.append((now, count))
        while now - samples[0][0] > _WINDOW_S:
            samples.popleft()

    def per_s(self) -> float:
        """0 where nothing can be said."""
        if not self._samples:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0
