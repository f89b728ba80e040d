"""Decides which worker may ask which host: in a job, one worker at a time owns a host.

Pure; its state may be lost. Lost messages only cause delay: workers ask again for hosts that they
were not granted, and a worker that is silent or gone owns nothing. If others wait for a host, its
owner is asked to hand it over after a while, so no worker starves. Hosts are numbers here (see
politeness.host_numbers): two hosts with the same number share turns, which does no harm.

A worker that is alone owns all hosts (see politeness.sole_owner), and nothing is recorded. A host
has a record only while a worker owns it, waits for it, or it must rest. Most hosts are wanted by
one worker only, so the hosts that it gets by one want share a frozen record. A host gets a record
of its own before something happens to it that does not happen to the others.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from fetcher.politeness.sole_owner import SoleOwner

CONTESTED_S: Final = 5.0  # an owner keeps a host that others want for at least so long
_RECALL_AGAIN_S: Final = 2.0
SILENT_S: Final = 5.0  # after so long, a worker that is not known to live is gone
_CHECK_S: Final = 0.25  # between two checks whether the only worker may have all hosts


class Ticketed(NamedTuple):
    """Hosts, and for each the ticket of the want that got it: parallel lists, as in a message."""

    hosts: list[int]
    tickets: list[int]


def notice_of_quiet(quiet_s: float) -> str:
    """The line for the user when a job with rows is resumed; `quiet_s`: see HostBroker."""
    return (
        f"waiting {quiet_s:g} s (lease.silent_s) before the first request, so that workers of the "
        "previous run cannot ask the same hosts meanwhile"
    )


class _Turn(msgspec.Struct, frozen=True, gc=False):
    """What is known of each host that a worker got by one want, and that nobody else wants."""

    owner: str
    ticket: int
    recall_at: float


# Untracked by the garbage collector, as there may be millions.
class _Host(msgspec.Struct, gc=False):
    owner: str = ""
    ticket: int = 0  # of the request by which the owner got the host
    free_at: float = 0.0  # when its rest ends
    recall_at: float = 0.0
    waiting: dict[str, int] = {}  # worker -> ticket, the first to come first
    contested_at: float = 0.0  # of its only valid entry in `_contested`; 0: it has none


class HostBroker:
    """The ventilator's broker. A dead owner's hosts rest for `delay_s`.

    Until `quiet_until` nothing is granted: owners from before a restart may still be active.
    A worker that wants or owns hosts and is not known to live for `silent_s` is gone: it died
    before its first heartbeat, or its last message came late.
    """

    def __init__(
        self, delay_s: float = 0.0, quiet_until: float = 0.0, silent_s: float = SILENT_S
    ) -> None:
        self._delay_s = delay_s
        self._quiet_until = quiet_until
        # A host has a record in one of these two: without one, it is free.
        self._turns: dict[int, _Turn] = {}
        self._hosts: dict[int, _Host] = {}
        self._free: list[tuple[float, int]] = []  # (when it may be granted, host)
        self._contested: list[tuple[float, int]] = []  # (when to recall it, host)
        self._granted: dict[str, Ticketed] = {}  # by worker, and not returned by `grants` yet
        self._disputed: dict[str, Ticketed] = {}  # by worker; another one owns them, too
        self._sole = SoleOwner()
        self._check_at = 0.0
        self._silent_s = silent_s
        self._living: Collection[str] = ()
        self._unheard: dict[str, float] = {}  # workers not known to live -> since when

    # -- workers -----------------------------------------------------------------------------

    def living(self, workers: Collection[str], now: float) -> None:
        """These workers live: give all hosts to a worker that is alone, recall them if it is not.

        While another worker owns a host, or a host rests, nobody gets all hosts.
        """
        self._living = workers
        for worker, since in list(self._unheard.items()):
            if worker in workers:
                del self._unheard[worker]
            elif now - since >= self._silent_s:
                self.worker_left(worker, now)
        if self._sole.worker:
            if any(worker != self._sole.worker for worker in workers):
                self._sole.contest(now)
        elif len(workers) == 1 and now >= max(self._check_at, self._quiet_until):
            (worker,) = workers
            self._check_at = now + _CHECK_S
            owners = itertools.chain(
                (turn.owner for turn in self._turns.values()),
                (host.owner for host in self._hosts.values()),
            )
            if all(owner == worker for owner in owners):
                self._forget_hosts()
                self._sole.give(worker)

    def _note_unheard(self, worker: str, now: float) -> None:
        if worker not in self._living:
            self._unheard.setdefault(worker, now)

    def _forget_hosts(self) -> None:
        self._turns.clear()
        self._hosts.clear()
        self._free.clear()
        self._contested.clear()
        self._granted.clear()

    def want(self, worker: str, hosts: Sequence[int], ticket: int, now: float) -> None:
        """The worker asks for these hosts. A host that it owns already is granted again.

        Grants, recalls and releases carry the ticket of this request, so that old messages are not
        mistaken for new ones.
        """
        self._note_unheard(worker, now)
        if self._sole.wants(worker, now):
            return
        if self._may_grant(now):
            hosts = self._grant_new(worker, hosts, ticket, now)
        for number in hosts:
            host = self._record(number)
            if host.owner == worker:
                host.owner = ""
                host.waiting = {worker: ticket, **host.waiting}
            else:
                host.waiting[worker] = ticket
            if not host.owner:
                heapq.heappush(self._free, (max(host.free_at, self._quiet_until), number))
            else:
                self._contest(number, host, max(host.recall_at, now))

    def _grant_new(
        self, worker: str, hosts: Sequence[int], ticket: int, now: float
    ) -> Sequence[int]:
        """Grant those of the hosts that have no record, all at once; return the others."""
        turns, records = self._turns, self._hosts
        new = [number for number in hosts if number not in turns and number not in records]
        others: Sequence[int] = ()
        if len(new) < len(hosts):
            others = [number for number in hosts if number in turns or number in records]
        if new:
            turns |= dict.fromkeys(new, _Turn(worker, ticket, now + CONTESTED_S))
            granted = _of_worker(self._granted, worker)
            granted.hosts.extend(new)
            granted.tickets.extend([ticket] * len(new))
        return others

    def owns(
        self,
        worker: str,
        hosts: Iterable[tuple[int, int]],
        rests: Iterable[tuple[int, float]],
        answers: int,
        now: float,
    ) -> None:
        """The worker owns these hosts by grants that are not known here; `rests` knows others.

        Either an earlier ventilator granted them, or the worker owned all hosts: then it `answers`
        the recall with this ticket, and owns only these from now on. A host that was granted to
        another worker before this message came must be given back.
        """
        self._note_unheard(worker, now)
        for number, ticket in hosts:
            host = self._record(number)
            if not host.owner:
                self._give(number, host, worker, ticket, now)
            elif host.owner != worker:
                _append(self._disputed, worker, number, ticket)
        for number, rest_s in rests:
            host = self._record(number)
            if not host.owner:
                self._set_free(number, host, max(host.free_at, now + rest_s), now)
        self._sole.owns(worker, answers, now)

    def release(self, worker: str, hosts: Iterable[tuple[int, int, float]], now: float) -> None:
        """The worker gives hosts back: number, ticket, seconds that the host must still rest."""
        turns = self._turns
        for number, ticket, rest_s in hosts:
            turn = turns.get(number)
            if turn is not None:
                if turn.ticket != ticket or turn.owner != worker:
                    continue
                if not rest_s:  # nobody waits for it either: its record was shared
                    del turns[number]
                    continue
                self._record(number)
            host = self._hosts.get(number)
            if host is not None and host.owner == worker and host.ticket == ticket:
                self._set_free(number, host, now + rest_s, now)

    def worker_left(self, worker: str, now: float) -> None:
        """The worker is gone, or silent: it owns no host and waits for none."""
        self._unheard.pop(worker, None)
        if self._sole.worker_left(worker):
            self._quiet_until = max(self._quiet_until, now + self._delay_s)
        self._granted.pop(worker, None)
        self._disputed.pop(worker, None)
        for number in [number for number, turn in self._turns.items() if turn.owner == worker]:
            self._record(number)
        for number, host in list(self._hosts.items()):
            host.waiting.pop(worker, None)
            if host.owner == worker:
                self._set_free(number, host, now + self._delay_s, now)
            elif not host.owner and not host.waiting and host.free_at <= now:
                del self._hosts[number]

    # -- one host ----------------------------------------------------------------------------

    def _record(self, number: int) -> _Host:
        """The host's own record, which may be changed; it gets one if it has none."""
        host = self._hosts.get(number)
        if host is None:
            host = self._hosts[number] = _Host()
            turn = self._turns.pop(number, None)
            if turn is not None:
                host.owner, host.ticket, host.recall_at = turn.owner, turn.ticket, turn.recall_at
        return host

    def _set_free(self, number: int, host: _Host, free_at: float, now: float) -> None:
        host.owner = ""
        host.free_at = free_at
        if host.waiting or free_at > now:
            heapq.heappush(self._free, (max(free_at, self._quiet_until), number))
        else:
            del self._hosts[number]

    def _give(self, number: int, host: _Host, worker: str, ticket: int, now: float) -> None:
        host.owner, host.ticket = worker, ticket
        host.recall_at = now + CONTESTED_S
        if host.waiting:
            host.waiting.pop(worker, None)
        if host.waiting:
            self._contest(number, host, host.recall_at)

    def _contest(self, number: int, host: _Host, recall_at: float) -> None:
        # Workers ask again and again while they wait.
        if not host.contested_at:
            host.contested_at = recall_at
            heapq.heappush(self._contested, (recall_at, number))

    def _grant(self, number: int, host: _Host, worker: str, ticket: int, now: float) -> None:
        self._give(number, host, worker, ticket, now)
        _append(self._granted, worker, number, ticket)

    # -- messages to the workers -------------------------------------------------------------

    def grants(self, now: float) -> dict[str, Ticketed]:
        """Grant free hosts: by worker, its new hosts, each with the ticket of its request."""
        while self._free and self._free[0][0] <= now and self._may_grant(now):
            _, number = heapq.heappop(self._free)
            host = self._hosts.get(number)
            if host is None or host.owner or host.free_at > now:
                continue
            if host.waiting:
                worker, ticket = next(iter(host.waiting.items()))
                self._grant(number, host, worker, ticket, now)
            else:
                del self._hosts[number]
        granted, self._granted = self._granted, {}
        return granted

    def _may_grant(self, now: float) -> bool:
        return not self._sole.worker and now >= self._quiet_until

    def recalls(self, now: float) -> dict[str, Ticketed]:
        """By worker, the hosts that it must give back; repeated until it does."""
        recalled, self._disputed = self._disputed, {}
        while self._contested and self._contested[0][0] <= now:
            at, number = heapq.heappop(self._contested)
            host = self._hosts.get(number)
            if host is None or host.contested_at != at:
                continue
            host.contested_at = 0.0
            if not host.owner or not host.waiting:
                continue
            if host.recall_at <= now:
                _append(recalled, host.owner, number, host.ticket)
                host.recall_at = now + _RECALL_AGAIN_S
            self._contest(number, host, host.recall_at)
        return recalled

    def grant_of_all(self) -> tuple[str, int] | None:
        """The worker that gets all hosts, and the ticket of this grant; None: nobody now."""
        return self._sole.grant()

    def recall_of_all(self, now: float) -> tuple[str, int] | None:
        """The worker that must give up all hosts, and the ticket; repeated until it answers."""
        return self._sole.recall(now)

    def __len__(self) -> int:
        return len(self._turns) + len(self._hosts)


def _of_worker(by_worker: dict[str, Ticketed], worker: str) -> Ticketed:
    found = by_worker.get(worker)
    if found is None:
        found = by_worker[worker] = Ticketed([], [])
    return found


def _append(by_worker: dict[str, Ticketed], worker: str, number: int, ticket: int) -> None:
    hosts, tickets = _of_worker(by_worker, worker)
    hosts.append(number)
    tickets.append(ticket)
