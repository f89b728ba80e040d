"""Asks the ventilator's host broker for the turns of hosts, and gives them back.

The pool's gate decides which hosts are wanted and which are released. Here these decisions become
messages.
"""

from __future__ import annotations

import time
from typing import Any, Final

import gevent

from fetcher.politeness.host_numbers import number_of
from fetcher.politeness.owned_hosts import Ownership
from fetcher.protocol import bounds, messages
from fetcher.roles.worker.line_pool import LinePool
from fetcher.transport.sockets import send

_COLLECT_S: Final = 0.005  # wants and urgent releases of this time go into one message
_RELEASE_S: Final = 0.2  # between two releases of hosts without work


class HostTurns:
    """The hosts that a worker wants or holds the turn of."""

    def __init__(self, worker: str, pool: LinePool, events: Any) -> None:
        self._worker = worker
        self._pool = pool
        self._gate = pool.gate
        self._events = events
        self._ticket = 0  # the number of the last want
        self._ventilator = 0  # the number of the one that grants hosts

    def __len__(self) -> int:
        return self._gate.in_use()

    def run(self) -> None:
        """Send what is new; runs for ever, in a greenlet of its own."""
        while True:
            self._pool.host_news.wait()
            gevent.sleep(_COLLECT_S)
            self._pool.host_news.clear()
            self.want(again=False)

    def release_unused(self) -> None:
        """Release the hosts without work from time to time; runs for ever, in a greenlet."""
        while True:
            gevent.sleep(_RELEASE_S)
            self._gate.give_unused_back(time.monotonic())
            self._release()

    def want(self, *, again: bool) -> None:
        """Ask for the hosts that are wanted; `again`: those without an answer, too.

        What is released goes first: a host may be released and wanted again.
        """
        self._release()
        self._ticket += 1
        hosts = self._gate.wants(self._ticket, again=again)
        for part in messages.parts(len(hosts)):
            send(self._events, messages.Want(self._worker, self._ticket, hosts[part]))

    def _release(self) -> None:
        hosts, tickets, rests_s = self._gate.releases()
        for part in messages.parts(len(hosts)):
            release = messages.Release(self._worker, hosts[part], tickets[part], rests_s[part])
            send(self._events, release)

    def hear_state(self, state: messages.State) -> None:
        """Note which ventilator grants hosts; a new one learns what the old one has granted.

        It must learn it, or two workers would ask the same hosts. A ventilator that starts forgets
        it when it opens its job, and one that is not connected yet does not get it: then it is told
        at one of its next states.
        """
        number = state.ventilator_number
        if state.phase == "starting" or number == self._ventilator:
            return
        if self._ventilator:
            if not self._tell(self._gate.tell_all(time.monotonic()), 0):
                return
            self.want(again=True)
        self._ventilator = number

    def grant(self, message: messages.Grant) -> None:
        """Use the turns of these hosts."""
        self._gate.granted(message.hosts, message.tickets, time.monotonic())
        self._release()
        self._pool.take_turns()

    def recall(self, message: messages.Recall) -> None:
        """Give these hosts back as soon as possible."""
        self._gate.recalled(message.hosts, message.tickets, time.monotonic())
        self._release()
        self._pool.take_turns()

    def grant_all(self, ticket: int) -> None:
        """Use the turns of all hosts."""
        self._gate.granted_all(ticket, time.monotonic())
        self._pool.take_turns()

    def recall_all(self, ticket: int) -> None:
        """Keep the turns of the hosts in use only."""
        ownership = self._gate.recalled_all(ticket, time.monotonic())
        if ownership is not None:
            self._tell(ownership, ticket)
            self._pool.take_turns()

    def _tell(self, ownership: Ownership, answers: int) -> bool:
        """Return whether it could be sent."""
        # Hosts in use are few; a list that is too long is cut, as an answer in parts could be
        # half lost.
        owned = ownership.owned[: bounds.MAX_HOSTS]
        rests = ownership.rests[: bounds.MAX_HOSTS]
        message = messages.Owned(
            self._worker,
            [number for number, _ in owned],
            [ticket for _, ticket in owned],
            [number for number, _ in rests],
            [min(rest_s, bounds.MAX_SECONDS) for _, rest_s in rests],
            answers,
        )
        return send(self._events, message)

    def disown(self) -> None:
        """Give up all hosts: this worker was silent for so long that others have them by now."""
        self._gate.disowned(time.monotonic())
        self._pool.take_turns()

    def longest_s(self) -> dict[int, float]:
        """Return, by number, the hosts whose lines here will take longest, and about how long."""
        longest = self._gate.longest(bounds.MAX_TURNS, time.monotonic())
        return {
            number_of(host): min(left_s, bounds.MAX_SECONDS) for host, left_s in longest if host
        }
