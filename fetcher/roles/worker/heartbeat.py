"""A worker's heartbeat: tells the ventilator what it holds and does, and keeps the watchdog quiet.

The watchdog is a native thread that ends the process, with all stacks on stderr, if the event loop
does not come back to the heartbeat in time.
"""

from __future__ import annotations

import faulthandler
import functools
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gevent
import msgspec

from fetcher import bitset
from fetcher.errors import Exit
from fetcher.protocol import bounds, messages
from fetcher.roles.spec import RoleSpec, once, tell_ready
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.roles.worker.login_keeper import LoginKeeper
from fetcher.roles.worker.loop_lag import LoopLag
from fetcher.roles.worker.waiting_assignments import WaitingAssignments
from fetcher.telemetry.tallies import FetchTally
from fetcher.transport.sockets import send

log = logging.getLogger(__name__)

_UNSENT_S: Final = 60.0  # for so long, leases whose rows the sink does not take count as parked


class Heartbeat:
    """Sends `Heartbeat` and `Progress` at regular intervals.

    `is_mute`: nothing is sent, as there is no ventilator yet that may want this worker.
    `is_watched`: somebody looks at the job, so samples of hosts and failed lines are sent, too.
    """

    def __init__(
        self,
        spec: RoleSpec,
        runner: LeaseRunner,
        waiting: WaitingAssignments,
        hosts: HostTurns,
        login: LoginKeeper,
        tally: FetchTally,
        events: Any,
    ) -> None:
        settings = spec.settings
        self.is_mute = bool(spec.over)
        self.is_watched = False
        self._name = spec.name
        self._settings = settings.worker
        self._silent_s = settings.lease.silent_s
        self._tail_after_s = settings.lease.tail_after_s
        # No step may take that long: a worker with such a step is broken.
        self._overdue_s = 2 * settings.longest_step_s + 10.0
        self._runner, self._pool = runner, runner.pool
        self._waiting, self._hosts, self._login = waiting, hosts, login
        self._tally = tally
        self._count_file = Path(spec.counts, spec.name) if spec.counts else None
        self._events = events
        self._lag = LoopLag(
            self._pool.cpu_share,
            self._settings.heartbeat_s,
            has_handler=bool(self._settings.handler),
        )
        self._tell_ready = once(functools.partial(tell_ready, spec))

    def run(self) -> None:
        """Beat for ever, in a greenlet of its own."""
        last_at = time.monotonic()
        while True:
            faulthandler.dump_traceback_later(self._settings.watchdog_s, exit=True)
            now = time.monotonic()
            if now - last_at > self._silent_s:
                self._hosts.disown()
            last_at = now
            self._leave_if_overdue(now)
            beat, progress = self._beat(now), self._progress(now)
            if not self.is_mute:
                self._login.ask()
                send(self._events, beat)
                send(self._events, progress)
            self.note_rows()
            self._hosts.want(again=True)
            self._tell_ready()
            gevent.sleep(self._settings.heartbeat_s)

    def note_rows(self) -> None:
        """Write down how many rows were sent, for the supervisor of a slot."""
        if self._count_file is not None:
            self._count_file.write_text(str(self._tally.rows), "ascii")

    def _leave_if_overdue(self, now: float) -> None:
        age_s, line = self._pool.running.oldest(now)
        if age_s > self._overdue_s:
            log.error(
                "the fetch of line %d does not end: this worker leaves, so that the job can go on",
                line,
            )
            os._exit(Exit.BUG)

    def _beat(self, now: float) -> messages.Heartbeat:
        held, ending = list(self._runner.held.values()), self._runner.ending
        oldest_s, slow = self._pool.running.by_lease(now, self._tail_after_s)
        ages_s = [oldest_s.get(each.lease, 0.0) for each in held]
        ages_s += [now - since for since in ending.values()]
        return messages.Heartbeat(
            worker=self._name,
            slots=self._settings.pool_size,
            in_flight=self._pool.in_flight,
            queued=self._pool.queued + self._pool.parked,
            held=[*(each.lease for each in held), *ending],
            parked=[
                *(
                    each.lease
                    for each in held
                    if each.outstanding and self._is_parked(each, oldest_s)
                ),
                *(lease for lease, since in ending.items() if now - since < _UNSENT_S),
            ],
            longest_s=[min(age_s, bounds.MAX_SECONDS) for age_s in ages_s],
            slow={lease: bitset.pack(mask) for lease, mask in slow.items()},
            waiting=self._waiting.leases,
            is_hungry=self._pool.is_hungry,
            routes=[*self._settings.routes] or msgspec.UNSET,
        )

    def _is_parked(self, lease: LeaseBuffer, oldest_s: Mapping[int, float]) -> bool:
        """Whether all lines of a lease wait outside of the pool, or for a log-in."""
        return not lease.active or (self._login.is_waiting and lease.lease not in oldest_s)

    def _progress(self, now: float) -> messages.Progress:
        progress = messages.Progress(
            self._name,
            self._tally.rows,
            self._pool.parked,
            lag_ms=self._lag.take_ms(now),
            turns_s=self._hosts.longest_s(),
            most_in_flight=self._pool.running.take_most(),
        )
        if not self.is_watched:
            return progress
        samples = self._runner.samples.samples(self._pool.loads())
        return msgspec.structs.replace(progress, samples=samples)
