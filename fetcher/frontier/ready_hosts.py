"""Decides which lines of a crawl are handed out next: hosts take turns.

Pure; its state is soft, and follows from the lines that have no row. Each host has a queue of lines
and a cap of lines that are out, so a huge or slow host takes its turns and nothing more. The cap of
a host follows what it finishes. With `levels`, a line is due only when no line of a smaller depth
is without its row.

In a round, each host that has a turn may hand out so many lines as one turn has. Within the round,
lines go in the order of the log as far as priorities let them: the lines of many hosts that lie
together in the log go out together, in few leases.

Memory: 4 bytes a line that waits, outside of memory beyond a bound (see line_queue), and about 800
bytes a host that has lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final, NamedTuple

from fetcher.frontier.line_queue import BLOCK_LINES, END, LINE_BYTES, LineQueue, Spill
from fetcher.frontier.rules import Order

MIN_CAP: Final = 32  # lines of a host that may be out, however slow it is
WINDOW_S: Final = 2.0  # twice what a host finished in so long may be out
_TURN: Final = 32  # lines of one host in a round
_MEMORY_BYTES: Final = 64 * 1024 * 1024


class HostLoad(NamedTuple):
    """The lines of one host: how many wait, and how many are out."""

    host: str
    waiting: int
    out: int


class ReadyHosts:
    """Lines by host. A line is added once; it waits or is out until it is `committed`."""

    def __init__(
        self, order: Order = "log", spill: Spill | None = None, memory_bytes: int = _MEMORY_BYTES
    ) -> None:
        self._is_levels = order == "levels"
        self._spill = spill
        self._memory_lines = memory_bytes // LINE_BYTES
        self._hosts: dict[str, _Host] = {}  # of the running level
        self._later: dict[int, dict[str, _Host]] = {}  # by depth
        self._depth = 0
        # Hosts with lines that may be out: in this round, a heap by the line that is next; and
        # those of the next round. That line may have changed since, which only changes the order.
        self._round: list[tuple[int, _Host]] = []
        self._next_round: list[_Host] = []
        self._out: dict[int, _Host] = {}
        self._waiting = 0  # lines, those of later levels included
        self._spilled = 0

    def __len__(self) -> int:
        """The lines that wait, those of later levels included."""
        return self._waiting

    @property
    def out(self) -> int:
        """The lines that are handed out and neither committed nor returned."""
        return len(self._out)

    def add(self, lines: Sequence[int], host: str, depth: int = 0, priority: int = 0) -> None:
        """Lines of the log that have no row. Of one host, higher priorities go first."""
        hosts = self._hosts
        if self._is_levels and depth > self._depth:
            hosts = self._later.setdefault(depth, {})
        entry = hosts.get(host)
        if entry is None:
            entry = hosts[host] = _Host(host)
        for begin in range(0, len(lines), BLOCK_LINES):
            some = lines[begin : begin + BLOCK_LINES]
            is_full = self._waiting - self._spilled >= self._memory_lines
            self._spilled += entry.extend(some, priority, self._spill if is_full else None)
            self._waiting += len(some)
        if hosts is self._hosts:
            self._give_turn(entry)

    def take(self, count: int, now: float) -> list[int]:
        """Hand out at most `count` lines; the hosts take turns."""
        self._next_level()
        lines: list[int] = []
        while len(lines) < count and self._has_turns():
            _, host = self._round[0]
            cap = host.cap(now)
            room = min(count - len(lines), host.turn_left, cap - host.out)
            before = min(self._round[1:3])[0] if len(self._round) > 1 else END
            some, from_spill = host.take(max(room, 0), before, self._spill)
            self._spilled -= from_spill
            self._out.update(dict.fromkeys(some, host))
            lines.extend(some)
            self._end_turn(host, cap)
        self._waiting -= len(lines)
        return lines

    def _has_turns(self) -> bool:
        """Begin the next round if this one has ended; whether any host has a turn."""
        if not self._round and self._next_round:
            self._round = [(host.next_line, host) for host in self._next_round]
            heapify(self._round)
            self._next_round = []
        return bool(self._round)

    def _end_turn(self, host: _Host, cap: int) -> None:
        """The first host took lines. Its turn goes on later in the round if it may have more."""
        may_go_on = bool(host.waiting) and host.out < cap
        if may_go_on and host.turn_left:
            heapreplace(self._round, (host.next_line, host))
            return
        heappop(self._round)
        host.turn_left = _TURN
        host.has_turn = may_go_on
        if may_go_on:
            self._next_round.append(host)

    def committed(self, lines: Iterable[int], now: float) -> None:
        """These lines have rows. Lines that are not out are ignored: one may be reported twice."""
        of = self._out.pop
        counts = Counter([host for line in lines if (host := of(line, None)) is not None])
        for host, count in counts.items():
            host.finished(count, now)
            self._settle(host)

    def returned(self, lines: Iterable[int]) -> None:
        """These lines come back without rows: they are the next of their hosts."""
        for line in sorted(lines, reverse=True):
            host = self._out.pop(line, None)
            if host is not None:
                host.put_back(line)
                self._waiting += 1
                self._settle(host)

    def loads(self, count: int) -> list[HostLoad]:
        """The hosts of the running level with the most lines."""
        busiest = sorted(self._hosts.values(), key=lambda host: -host.waiting - host.out)
        return [HostLoad(host.name, host.waiting, host.out) for host in busiest[:count]]

    def _settle(self, host: _Host) -> None:
        """Give the host a turn if it has lines; forget it if it has none at all."""
        if host.waiting:
            self._give_turn(host)
        elif not host.out and self._hosts.get(host.name) is host:
            del self._hosts[host.name]

    def _give_turn(self, host: _Host) -> None:
        if not host.has_turn:
            host.has_turn = True
            self._next_round.append(host)

    def _next_level(self) -> None:
        if self._later and not self._hosts:
            self._depth = min(self._later)
            self._hosts = self._later.pop(self._depth)
            for host in self._hosts.values():
                self._give_turn(host)


class _Host:
    __slots__ = (
        "_before",
        "_queues",
        "_since",
        "_this",
        "has_turn",
        "name",
        "out",
        "turn_left",
        "waiting",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting = 0
        self.out = 0
        self.has_turn = False
        self.turn_left = _TURN
        self._queues: dict[int, LineQueue] = {}  # by priority
        self._since = 0.0  # when the running window began
        self._this = 0  # lines finished in it
        self._before = 0  # and in the window before

    def extend(self, lines: Sequence[int], priority: int, spill: Spill | None) -> int:
        """Add lines; return how many lines that spilled."""
        queue = self._queues.get(priority)
        if queue is None:
            queue = self._queues[priority] = LineQueue()
        before = queue.spilled
        queue.extend(lines, spill)
        self.waiting += len(lines)
        return queue.spilled - before

    @property
    def next_line(self) -> int:
        """The line that is taken next, of a host that has one."""
        return self._queues[max(self._queues)].first

    def take(self, count: int, before: int, spill: Spill | None) -> tuple[list[int], int]:
        """Take at most `count` lines of one priority, after the first only those before this line.

        The host has lines. Also return how many came back from the spill.
        """
        priority = max(self._queues)
        queue = self._queues[priority]
        spilled = queue.spilled
        lines = queue.take(count, spill, before)
        if not len(queue):
            del self._queues[priority]
        self.waiting -= len(lines)
        self.out += len(lines)
        self.turn_left -= len(lines)
        return lines, spilled - queue.spilled

    def put_back(self, line: int) -> None:
        """A line that was out is the next one, whatever its priority was."""
        self._queues.setdefault(max(self._queues, default=0), LineQueue()).put_back((line,))
        self.out -= 1
        self.waiting += 1

    def finished(self, count: int, now: float) -> None:
        self.out -= count
        self._turn_window(now)
        self._this += count

    def cap(self, now: float) -> int:
        """How many lines may be out: twice what the last two seconds finished."""
        self._turn_window(now)
        share = max(0.0, 1 - (now - self._since) / WINDOW_S)  # of the window before that counts
        return max(MIN_CAP, int(2 * (self._this + share * self._before)))

    def _turn_window(self, now: float) -> None:
        passed = now - self._since
        if passed >= WINDOW_S:
            self._before = self._this if passed < 2 * WINDOW_S else 0
            self._this = 0
            self._since = now
