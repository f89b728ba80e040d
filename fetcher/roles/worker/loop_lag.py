"""Measures how long a worker's event loop was blocked, and warns its user.

Each heartbeat measures the lag since the one before. No decision depends on it.
"""

from __future__ import annotations

import logging
from typing import Final

from fetcher.roles.worker.cpu_share import CpuShare

log = logging.getLogger(__name__)

# From here on, a lag delays other lines noticeably. Without a handler, the usual cause is a busy
# machine, where short lags do not matter.
_SLOW_S: Final = {True: 0.1, False: 1.0}
_AGAIN_S: Final = 60.0  # between two warnings
_CAUSES: Final = {
    True: "worker.handler computes for too long; compute less per line, set a smaller "
    "worker.pool_size, or start more workers",
    False: "the machine is busy, or rows, kept bodies or pages of a crawl take long; set a "
    "smaller worker.pool_size (in a crawl crawl.parse_bytes), or use more hosts",
}


class LoopLag:
    """Measures the lag; a worker process has one."""

    def __init__(self, cpu_share: CpuShare, heartbeat_s: float, *, has_handler: bool) -> None:
        self._cpu_share = cpu_share
        self._heartbeat_s = heartbeat_s
        self._cause, self._slow_s = _CAUSES[has_handler], _SLOW_S[has_handler]
        self._last_at: float | None = None
        self._warn_at = 0.0

    def take_ms(self, now: float) -> int:
        """Return for how many milliseconds at most the loop was blocked since the last call."""
        late_s = now - self._last_at - self._heartbeat_s if self._last_at is not None else 0.0
        self._last_at = now
        lag_s = max(self._cpu_share.take_longest_s(), late_s, 0.0)
        if lag_s >= self._slow_s and now >= self._warn_at:
            self._warn_at = now + _AGAIN_S
            log.warning(
                "the event loop was held up for %.2f s, which delays all fetches of this worker: "
                "%s",
                lag_s,
                self._cause,
            )
        return round(lag_s * 1000)
