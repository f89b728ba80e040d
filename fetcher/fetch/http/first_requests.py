"""Keeps apart the requests to a host that waited for the same look-up of its name.

The turns of a host (politeness.gate) count from the moment at which a line may go. If the look-up
of the name takes longer than the delay between two turns, several lines wait for it, and all of
their requests would be sent at the moment of its end. So each of them, and each later one that
comes too soon after them, waits until the delay has passed since the request before.
"""

from __future__ import annotations


class FirstRequests:
    """Tells the requests to a host how long to wait after a look-up; times are in seconds."""

    def __init__(self, delay_s: float) -> None:
        """`delay_s`: between two requests to a host; 0: none."""
        self._delay_s = delay_s
        # Host -> when its next request may be sent. The longest known stand first.
        self._next_at: dict[str, float] = {}

    def wait_s(self, host: str, now: float, *, has_looked_up: bool) -> float:
        """How long this request must wait. `has_looked_up`: it had to wait for the look-up."""
        if not self._delay_s or not (has_looked_up or host in self._next_at):
            return 0.0
        self._forget_past(now)
        at = self._next_at.get(host, now)
        if at > now or has_looked_up:
            self._next_at[host] = at + self._delay_s
        return at - now

    def _forget_past(self, now: float) -> None:
        while self._next_at:
            host = next(iter(self._next_at))
            if self._next_at[host] > now:
                return
            del self._next_at[host]

    def __len__(self) -> int:
        return len(self._next_at)
