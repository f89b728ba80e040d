"""Asks the ventilator's host broker for the turns of hosts, and gives them back.

The pool's gate decides which hosts are wanted and which are released. Here these decisions become
messages, in which a host is a number (politeness.host_broker.number_of).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

import gevent

from fetcher.politeness.host_broker import number_of
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
        self._names: dict[int, str] = {}  # of the hosts that the broker knows we want
        self._numbers: dict[str, int] = {}  # of the same hosts: hashing is not free
        self._ticket = 0  # the number of the last want
        self._broker = 0  # the number of the ventilator that grants hosts

    def __len__(self) -> int:
        return self._gate.in_use()

    def run(self) -> None:
        """Send what is new; runs for ever, in a greenlet of its own."""
        while True:
            self._pool.host_news.wait()
            gevent.sleep(_COLLECT_S)
            self._pool.host_news.clear()
            self._release()
            self.want(again=False)

    def release_unused(self) -> None:
        """Release the hosts without work from time to time; runs for ever, in a greenlet."""
        while True:
            gevent.sleep(_RELEASE_S)
            self._gate.give_unused_back(time.monotonic())
            self._release()

    def want(self, *, again: bool) -> None:
        """Ask for the hosts that are wanted; `again`: those without an answer, too."""
        self._ticket += 1
        numbers = [self._number(host) for host in self._gate.wants(self._ticket, again=again)]
        for hosts in messages.parts(numbers):
            send(self._events, messages.Want(self._worker, self._ticket, list(hosts)))

    def _release(self) -> None:
        released = []
        for host, ticket, rest_s in self._gate.releases():
            number = self._numbers.pop(host, None) or number_of(host)
            self._names.pop(number, None)
            released.append((number, ticket, rest_s))
        for part in messages.parts(released):
            hosts, tickets, rests_s = (list(each) for each in zip(*part, strict=True))
            send(self._events, messages.Release(self._worker, hosts, tickets, rests_s))

    def hear_broker(self, number: int) -> None:
        """Note which ventilator grants hosts; a new one learns what the old one has granted."""
        if self._broker and number != self._broker:
            self._tell(self._gate.tell_all(time.monotonic()), 0)
            self.want(again=True)
        self._broker = number

    def grant(self, message: messages.Grant) -> None:
        """Use the turns of these hosts."""
        self._gate.granted(self._named(message.hosts, message.tickets), time.monotonic())
        self._pool.take_turns()

    def recall(self, message: messages.Recall) -> None:
        """Give these hosts back as soon as possible."""
        self._gate.recalled(self._named(message.hosts, message.tickets), time.monotonic())
        self._pool.take_turns()

    def grant_all(self, ticket: int) -> None:
        """Use the turns of all hosts."""
        self._gate.granted_all(ticket, time.monotonic())
        self._names.clear()
        self._numbers.clear()
        self._pool.take_turns()

    def recall_all(self, ticket: int) -> None:
        """Keep the turns of the hosts in use only."""
        ownership = self._gate.recalled_all(ticket, time.monotonic())
        if ownership is not None:
            self._tell(ownership, ticket)
            self._pool.take_turns()

    def _tell(self, ownership: Ownership, answers: int) -> None:
        owned = [(self._number(host), ticket) for host, ticket in ownership.owned]
        rests = [
            (number_of(host), min(rest_s, bounds.MAX_SECONDS)) for host, rest_s in ownership.rests
        ]
        # Hosts in use are few; a list that is too long is cut, as an answer in parts could be
        # half lost.
        message = messages.Owned(
            self._worker,
            [number for number, _ in owned[: bounds.MAX_HOSTS]],
            [ticket for _, ticket in owned[: bounds.MAX_HOSTS]],
            [number for number, _ in rests[: bounds.MAX_HOSTS]],
            [rest_s for _, rest_s in rests[: bounds.MAX_HOSTS]],
            answers,
        )
        send(self._events, message)

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

    def _number(self, host: str) -> int:
        number = self._numbers.get(host)
        if number is None:
            number = self._numbers[host] = number_of(host)
            self._names[number] = host
        return number

    def _named(self, hosts: Iterable[int], tickets: Iterable[int]) -> list[tuple[str, int]]:
        return [
            (self._names[number], ticket)
            for number, ticket in zip(hosts, tickets, strict=False)
            if number in self._names
        ]
