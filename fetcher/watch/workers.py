"""The ventilator's table of living workers, for those who watch. No decision depends on it.

Only workers that the ledger counts as living are kept, so the table is as bounded as the ledger.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from fetcher.commit.rate import Rate
from fetcher.protocol import bounds, messages, samples


class _Worker:
    """The newest messages of one worker."""

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
        self._workers: dict[str, _Worker] = {}
        self._failed_lines: deque[messages.FailedLine] = deque(maxlen=bounds.MAX_FAILED_LINES)

    def heartbeat(self, beat: messages.Heartbeat, now: float) -> None:
        """Take a worker's heartbeat; the first one adds the worker."""
        worker = self._workers.get(beat.worker)
        if worker is None:
            self._workers[beat.worker] = _Worker(beat, now)
        else:
            worker.beat, worker.seen_at = beat, now

    def progress(self, progress: messages.Progress, now: float) -> None:
        """Take a worker's progress; that of a worker without a heartbeat is ignored."""
        worker = self._workers.get(progress.worker)
        if worker is not None:
            worker.rows, worker.parked, worker.seen_at = progress.rows, progress.parked, now
            worker.most_in_flight = max(progress.most_in_flight, worker.beat.in_flight)
            worker.rate.add(now, progress.rows)
            worker.lag_ms = progress.lag_ms
            worker.hosts = progress.samples.hosts
            worker.turns_s = progress.turns_s
            self._failed_lines.extend(progress.samples.failed_lines)

    def keep(self, living: Collection[str]) -> None:
        """Forget all workers that are not among these."""
        for gone in self._workers.keys() - set(living):
            del self._workers[gone]

    @property
    def in_flight(self) -> int:
        """Fetches in flight, by the last heartbeats."""
        return sum(worker.beat.in_flight for worker in self._workers.values())

    @property
    def turns_s(self) -> float:
        """Seconds until the host that takes longest has no lines left, at all workers together."""
        # One worker at a time asks a host, so that the times of several workers add up.
        sums: dict[int, float] = {}
        for worker in self._workers.values():
            for host, left_s in worker.turns_s.items():
                sums[host] = sums.get(host, 0.0) + left_s
        return max(sums.values(), default=0.0)

    @property
    def most_in_flight(self) -> int:
        """An upper bound of the fetches in flight at once since the heartbeats before the last."""
        return sum(worker.most_in_flight for worker in self._workers.values())

    def samples(self) -> messages.Samples:
        """The busiest hosts and the newest failed lines of all workers together."""
        hosts = [each for worker in self._workers.values() for each in worker.hosts]
        return messages.Samples(samples.together(hosts), list(self._failed_lines))

    def members(self, leases: Mapping[str, int], now: float) -> tuple[list[messages.Member], int]:
        """The workers by name, and how many more there are.

        `leases`: open leases by worker. Workers that are silent for longest are always listed.
        """
        found = sorted(self._workers.items(), key=lambda item: item[1].seen_at)
        listed = sorted(found[: bounds.MAX_MEMBERS])
        return [
            messages.Member(
                worker=name,
                seen_s_ago=max(now - worker.seen_at, 0.0),
                slots=worker.beat.slots,
                in_flight=worker.beat.in_flight,
                queued=max(worker.beat.queued - worker.parked, 0),
                parked=worker.parked,
                leases=leases.get(name, 0),
                rows=worker.rows,
                rate_per_s=worker.rate.per_s(),
                lag_ms=worker.lag_ms,
            )
            for name, worker in listed
        ], len(found) - len(listed)
