"""Decides which worker may ask which host: in a job, one worker at a time owns a host.

Pure; its state may be lost. Lost messages only cause delay: workers ask again for hosts that they
were not granted, and a worker that is silent or gone owns nothing. If others wait for a host, its
owner is asked to hand it over after a while, so no worker starves. Hosts are numbers here (see
`number_of`): two hosts with the same number share turns, which does no harm.

A worker that is alone owns all hosts (see politeness.sole_owner), and nothing is recorded. A host
has a record only while a worker owns it, waits for it, or it must rest.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from fetcher.politeness.sole_owner import SoleOwner

CONTESTED_S: Final = 5.0  # an owner keeps a host that others want for at least so long
_RECALL_AGAIN_S: Final = 2.0
SILENT_S: Final = 5.0  # after so long, a worker that is not known to live is gone
_CHECK_S: Final = 0.25  # between two checks whether the only worker may have all hosts


Ticketed = tuple[int, int]  # a host and a want's ticket


def number_of(host: str) -> int:
    """Hash a host's name to a number of 63 bits, the same in every process."""
    digest = hashlib.blake2b(host.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def notice_of_quiet(quiet_s: float) -> str:
    """The line for the user when a job with rows is resumed; `quiet_s`: see HostBroker."""
    return (
        f"waiting {quiet_s:g} s (lease.silent_s) before the first request, so that workers of the "
        "previous run cannot ask the same hosts meanwhile"
    )


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
        self._hosts: dict[int, _Host] = {}
        self._free: list[tuple[float, int]] = []  # (when it may be granted, host)
        self._contested: list[tuple[float, int]] = []  # (when to recall it, host)
        self._granted: dict[str, list[Ticketed]] = {}  # by worker, and not returned by `grants` yet
        self._disputed: dict[str, list[Ticketed]] = {}  # by worker; another one owns them, too
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
            if all(host.owner == worker for host in self._hosts.values()):
                self._forget_hosts()
                self._sole.give(worker)

    def _note_unheard(self, worker: str, now: float) -> None:
        if worker not in self._living:
            self._unheard.setdefault(worker, now)

    def _forget_hosts(self) -> None:
        self._hosts.clear()
        self._free.clear()
        self._contested.clear()
        self._granted.clear()

    def want(self, worker: str, hosts: Iterable[int], ticket: int, now: float) -> None:
        """The worker asks for these hosts. A host that it owns already is granted again.

        Grants, recalls and releases carry the ticket of this request, so that old messages are not
        mistaken for new ones.
        """
        self._note_unheard(worker, now)
        if self._sole.wants(worker, now):
            return
        may_grant = self._may_grant(now)
        for number in hosts:
            host = self._hosts.get(number)
            if host is None:
                host = self._hosts[number] = _Host()
                if may_grant:
                    self._grant(number, host, worker, ticket, now)
                    continue
            if host.owner == worker:
                host.owner = ""
                host.waiting = {worker: ticket, **host.waiting}
            else:
                host.waiting[worker] = ticket
            if not host.owner:
                heapq.heappush(self._free, (max(host.free_at, self._quiet_until), number))
            else:
                self._contest(number, host, max(host.recall_at, now))

    def owns(
        self,
        worker: str,
        hosts: Iterable[Ticketed],
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
            host = self._hosts.setdefault(number, _Host())
            if not host.owner:
                self._give(number, host, worker, ticket, now)
            elif host.owner != worker:
                self._disputed.setdefault(worker, []).append((number, ticket))
        for number, rest_s in rests:
            host = self._hosts.setdefault(number, _Host())
            if not host.owner:
                self._set_free(number, host, max(host.free_at, now + rest_s), now)
        self._sole.owns(worker, answers, now)

    def release(self, worker: str, hosts: Iterable[tuple[int, int, float]], now: float) -> None:
        """The worker gives hosts back: number, ticket, seconds that the host must still rest."""
        for number, ticket, rest_s in hosts:
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
        for number, host in list(self._hosts.items()):
            host.waiting.pop(worker, None)
            if host.owner == worker:
                self._set_free(number, host, now + self._delay_s, now)
            elif not host.owner and not host.waiting and host.free_at <= now:
                del self._hosts[number]

    # -- one host ----------------------------------------------------------------------------

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
        self._granted.setdefault(worker, []).append((number, ticket))

    # -- messages to the workers -------------------------------------------------------------

    def grants(self, now: float) -> dict[str, list[Ticketed]]:
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

    def recalls(self, now: float) -> dict[str, list[Ticketed]]:
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
                recalled.setdefault(host.owner, []).append((number, host.ticket))
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
        return len(self._hosts)
