"""Puts a worker's numbers where its metrics port reads them."""

from __future__ import annotations

import time

import gevent

from fetcher.fetch.interface import Fetcher, LooksUp
from fetcher.roles.spec import RoleSpec
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.telemetry import drops
from fetcher.telemetry.numbers import WorkerNumbers
from fetcher.telemetry.snapshot import EVERY_S, Snapshot
from fetcher.telemetry.tallies import FetchTally


class NumbersPublisher:
    """Publishes the numbers of one worker. `heard_at`: when a ventilator was heard last."""

    def __init__(
        self,
        spec: RoleSpec,
        snapshot: Snapshot[WorkerNumbers],
        runner: LeaseRunner,
        hosts: HostTurns,
        fetcher: Fetcher,
        tally: FetchTally,
    ) -> None:
        self.heard_at = time.monotonic()
        self._spec = spec
        self._snapshot = snapshot
        self._runner = runner
        self._hosts = hosts
        self._fetcher = fetcher
        self._tally = tally

    def run(self) -> None:
        """Publish for ever, in a greenlet of its own."""
        while True:
            now = time.monotonic()
            self._snapshot.put(self._numbers(now), now)
            gevent.sleep(EVERY_S)
            self._tally.loop_lag_s.add(max(time.monotonic() - now - EVERY_S, 0.0))

    def _numbers(self, now: float) -> WorkerNumbers:
        pool = self._runner.pool
        silent_s = now - self.heard_at
        return WorkerNumbers(
            trouble=self._trouble(silent_s),
            dropped=dict(drops.DROPPED),
            refused=dict(drops.REFUSED),
            outcomes=self._tally.outcomes(),
            statuses=dict(self._tally.statuses),
            body_bytes=self._tally.body_bytes,
            row_bytes=self._tally.row_bytes,
            exchanges=pool.exchanges,
            retries=pool.retries,
            lookups=self._fetcher.lookups() if isinstance(self._fetcher, LooksUp) else {},
            in_flight=pool.in_flight,
            queued=pool.queued,
            parked=pool.parked,
            pool_size=self._spec.settings.worker.pool_size,
            leases=len(self._runner.held),
            unsent_bytes=self._runner.memory.unsent_bytes,
            hosts=len(self._hosts),
            loop_lag_s=self._tally.loop_lag_s.distribution(),
            ventilator_silent_s=silent_s,
        )

    def _trouble(self, silent_s: float) -> str:
        settings = self._spec.settings
        # A worker that stays for the next job may wait long for its ventilator.
        is_waiting = settings.worker.standing and not self._runner.job
        if silent_s <= settings.lease.silent_s or is_waiting:
            return ""
        return f"no ventilator is heard at {self._spec.ventilator} (for {silent_s:.0f} s)"
