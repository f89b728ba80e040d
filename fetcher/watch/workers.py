"""What the ventilator knows of each worker, for those who watch: nothing is decided by it.

Law: only workers that the ledger counts as living are kept, so it has their bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from fetcher.commit.rate import Rate
from fetcher.protocol import bounds, messages, samples


class _Member:
    __slots__ = (
        "beat",
        "hosts",
        "lag_ms",
        "most_in_flight",
        "parked",
        "rate",
        "rows",
        "seen_at",
        "turns_s",
    )

    def __init__(self, beat: messages.Heartbeat, now: float) -> None:
        self.beat = beat
        self.seen_at = now
        self.rows = 0
        self.parked = 0
        self.lag_ms = 0
        self.most_in_flight = beat.in_flight
        self.hosts: list[messages.HostLoad] = []
        self.rate = Rate()
        self.turns_s: Mapping[int, float] = {}


class WorkerTable:
    """The living workers."""

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}
        self._mishaps: deque[messages.FailedLine] = deque(maxlen=bounds.MAX_MISHAPS)

    def heartbeat(self, beat: messages.Heartbeat, now: float) -> None:
        member = self._members.get(beat.worker)
        if member is None:
            self._members[beat.worker] = _Member(beat, now)
        else:
            member.beat, member.seen_at = beat, now

    def progress(self, progress: messages.Progress, now: float) -> None:
        """Of a worker that has been heard."""
        member = self._members.get(progress.worker)
        if member is not None:
            member.rows, member.parked, member.seen_at = progress.rows, progress.parked, now
            member.most_in_flight = max(progress.most_in_flight, member.beat.in_flight)
            member.rate.add(now, progress.rows)
            member.lag_ms = progress.lag_ms
            member.hosts = progress.glimpse.hosts
            member.turns_s = progress.turns_s
            self._mishaps.extend(progress.glimpse.mishaps)

    def keep(self, living: Collection[str]) -> None:
        """Forget all others."""
        for gone in self._members.keys() - set(living):
            del self._members[gone]

    @property
    def in_flight(self) -> int:
        """Fetches, as the workers said last."""
        return sum(member.beat.in_flight for member in self._members.values())

    @property
    def turns_s(self) -> float:
        """How long the host that will take longest keeps all workers that have lines of it."""
        # A host is asked by one worker after another.
        sums: dict[int, float] = {}
        for member in self._members.values():
            for host, left_s in member.turns_s.items():
                sums[host] = sums.get(host, 0.0) + left_s
        return max(sums.values(), default=0.0)

    @property
    def most_in_flight(self) -> int:
        """Fetches at once since the heartbeats before the last ones: at most so many."""
        return sum(member.most_in_flight for member in self._members.values())

    def glimpse(self) -> messages.Samples:
        """Of all workers together."""
        hosts = [each for member in self._members.values() for each in member.hosts]
        return messages.Samples(samples.together(hosts), list(self._mishaps))

    def look(self, leases: Mapping[str, int], now: float) -> tuple[list[messages.Member], int]:
        """By name, and how many more there are; those unheard of for longest are always told."""
        members = sorted(self._members.items(), key=lambda item: item[1].seen_at)
        told = sorted(members[: bounds.MAX_MEMBERS])
        return [
            messages.Member(
                worker=name,
                seen_s_ago=max(now - member.seen_at, 0.0),
                slots=member.beat.slots,
                in_flight=member.beat.in_flight,
                queued=max(member.beat.queued - member.parked, 0),
                parked=member.parked,
                leases=leases.get(name, 0),
                rows=member.rows,
                rate_per_s=member.rate.per_s(),
                lag_ms=member.lag_ms,
            )
            for name, member in told
        ], len(members) - len(told)
