"""Looks up one name: asks for IPv4 and IPv6 addresses, and decides how long to wait for which.

A look-up has no greenlet: each reply, and the end of each wait, is a step. It ends within its time,
and calls back exactly once.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import gevent

from fetcher.fetch.dns.replies import Reply, Status

if TYPE_CHECKING:
    from fetcher.fetch.dns.name_servers import NameServers

# The wait for AAAA once A is answered: many name servers never answer AAAA.
_GRACE_S: Final = 0.1
# A first question that has no reply by then is asked once more, with patience (see NameServers).
_PATIENT_S: Final = 1.0
# Less time than this is not worth another question.
_MIN_LEFT_S: Final = 0.25


class Plan(NamedTuple):
    """The questions of a look-up, and its limits."""

    families: tuple[int, ...]  # one or two of socket.AF_INET and AF_INET6, the preferred first
    at_once: tuple[int, ...]  # those of them that are asked before there is a reply
    total_s: float
    preferred_s: float  # the longest wait for the preferred family once the other is there
    alone_s: float = math.inf  # if the preferred one has no reply then, the other is asked too


class Lookup:
    """One name that is being looked up."""

    def __init__(
        self, servers: NameServers, name: str, plan: Plan, on_end: Callable[[Reply], None]
    ) -> None:
        """`on_end` is called once, maybe before `step` returns."""
        self._servers = servers
        self._name = name
        self._plan = plan
        self._on_end = on_end
        now = time.monotonic()
        self._ends_at = now + plan.total_s
        self._asks_more_at = now + plan.alone_s
        self._is_patient_at = now + _PATIENT_S
        self._unasked = list(plan.families)
        self._patient: set[int] = set()  # the families that were asked for with patience
        self._replies: dict[int, tuple[Reply, float]] = {}  # by family, with the time
        self._is_stepping = self._is_over = False
        self._timer: Any = None
        self._wakes_at = 0.0

    def step(self) -> None:
        """Ask what can be asked; then end, or wait for a reply or for the end of the time."""
        if self._is_stepping or self._is_over:
            return
        self._is_stepping = True
        now = time.monotonic()
        while self._ask_more(now):
            pass
        self._is_stepping = False
        until = min(self._ends_at, self._waits_until())
        if now < self._is_patient_at:
            until = min(until, self._is_patient_at)
        if until > now:
            self._wake_at(until)
            return
        self._finish(self._merged())

    def _finish(self, reply: Reply) -> None:
        self._is_over = True
        if self._timer is not None:
            self._timer.close()
        self._on_end(reply)

    def _decides(self, family: int, reply: Reply) -> bool:
        """Whether this reply alone ends the look-up, as no other is expected: the usual case."""
        return (
            reply.status is Status.FOUND
            and self._plan.at_once == (family,)
            and not self._replies
            and len(self._unasked) == len(self._plan.families) - 1
            and not self._is_stepping
            and not self._is_over
        )

    def _wake_at(self, until: float) -> None:
        if self._timer is not None:
            if self._timer.active and self._wakes_at == until:
                return
            self._timer.close()
        self._wakes_at = until
        self._timer = gevent.get_hub().loop.timer(max(0.0, until - time.monotonic()))
        self._timer.start(self.step)

    def _ask_more(self, now: float) -> bool:
        """Ask the next question, if there is one to ask now."""
        preferred = self._plan.families[0]
        for family in self._unasked:
            if family in self._plan.at_once or self._is_undecided(preferred, now):
                self._unasked.remove(family)
                self._ask(family)
                return True
        if now >= self._is_patient_at and self._ask_patiently():
            return True
        # c-ares ends a question early when its server is usually fast: use the time that is left.
        if self._ends_at - now >= _MIN_LEFT_S:
            for family, (reply, _) in self._replies.items():
                if reply.status is Status.SILENT:
                    del self._replies[family]
                    self._ask(family)
                    return True
        return False

    def _ask_patiently(self) -> bool:
        """Ask a question without a reply once more, if there is one, and go on with the first."""
        for family in self._plan.at_once:
            if family not in self._patient and self._status(family) in (None, Status.SILENT):
                self._patient.add(family)
                on_reply = functools.partial(self._on_patient_reply, family)
                self._servers.ask_patiently(self._name, family, on_reply)
                return True
        return False

    def _on_patient_reply(self, family: int, reply: Reply) -> None:
        if reply.status is not Status.SILENT:
            self._on_reply(family, reply)

    def _ask(self, family: int) -> None:
        self._servers.ask(self._name, family, functools.partial(self._on_reply, family))

    def _on_reply(self, family: int, reply: Reply) -> None:
        if self._decides(family, reply):
            self._finish(reply)
        elif self._status(family) in (None, Status.SILENT):
            self._replies[family] = (reply, time.monotonic())
            self.step()

    def _is_undecided(self, preferred: int, now: float) -> bool:
        """Whether the reply to the preferred family, or its absence, lets another one decide."""
        status = self._status(preferred)
        if status is None or status is Status.SILENT:
            return now >= self._asks_more_at
        # With such a reply, a family that was not asked at once decides.
        return status is Status.NO_ADDRESS or status is Status.FAILED

    def _status(self, family: int) -> Status | None:
        return self._replies[family][0].status if family in self._replies else None

    def _waits_until(self) -> float:
        """When to stop waiting, as things stand (monotonic); 0 when nothing is missing."""
        first, last = self._plan.families[0], self._plan.families[-1]
        status = self._status(first)
        if self._unasked and (status is None or status is Status.SILENT):
            return self._asks_more_at
        if len(self._replies) == len(self._plan.families):
            return 0
        if status is Status.FOUND or status is Status.NO_NAME:
            return self._replies[first][1] + _GRACE_S if last in self._plan.at_once else 0
        if self._status(last) is Status.FOUND:
            return self._replies[last][1] + self._plan.preferred_s
        return self._ends_at

    def _merged(self) -> Reply:
        """All addresses, the preferred family's first; without any, the reply that explains it."""
        silent = Reply(Status.SILENT)
        replies = [self._replies.get(family, (silent, 0))[0] for family in self._plan.families]
        found = tuple(address for reply in replies for address in reply.addresses)
        if found:
            return Reply(Status.FOUND, found)
        first, last = replies[0], replies[-1]
        # A name without A exists: then the reply to AAAA decides.
        if first.status is Status.NO_ADDRESS and last.status is not Status.NO_NAME:
            return last
        return first
