"""Turns of hosts: every line once, higher priorities first, and no host delays another."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fetcher.frontier.line_queue import BLOCK_LINES
from fetcher.frontier.ready_hosts import MIN_CAP, HostLoad, ReadyHosts
from support.line_texts import MemorySpill


def test_hosts_take_turns_and_each_has_a_cap() -> None:
    hosts = ReadyHosts()
    for line in range(1, 1001):
        hosts.add([line], "big")
    hosts.add([1001], "small")
    lines = hosts.take(500, 0)
    assert lines == [*range(1, MIN_CAP + 1), 1001]
    assert (len(hosts), hosts.out) == (1000 - MIN_CAP, MIN_CAP + 1)
    assert hosts.take(500, 0) == []
    hosts.committed([1, 2], 1)
    # Two were finished in the last two seconds, so the floor is the cap.
    assert hosts.take(500, 1) == [MIN_CAP + 1, MIN_CAP + 2]


def test_the_cap_follows_what_a_host_finishes() -> None:
    hosts = ReadyHosts()
    for line in range(1, 100_000):
        hosts.add([line], "h")
    now = 0.0
    for _ in range(200):
        now += 0.01
        hosts.committed(hosts.take(5, now), now)
    assert len(hosts.take(100_000, now)) == 2 * 200 * 5  # of the last two seconds
    hosts.committed(range(1, 100_000), now)
    assert len(hosts.take(100_000, now + 60)) == MIN_CAP  # a minute of silence


def test_higher_priorities_go_first_and_equal_ones_in_order() -> None:
    hosts = ReadyHosts()
    for line, priority in ((1, 0), (2, -1), (3, 5), (4, 0), (5, 5)):
        hosts.add([line], "h", priority=priority)
    assert hosts.take(10, 0) == [3, 5, 1, 4, 2]


def test_lines_that_come_back_are_next() -> None:
    hosts = ReadyHosts()
    for line in range(1, 6):
        hosts.add([line], "h")
    assert hosts.take(3, 0) == [1, 2, 3]
    hosts.returned([3, 1])
    hosts.returned([3, 77])  # twice, and a line that was never out
    assert (len(hosts), hosts.out) == (4, 1)
    assert hosts.take(10, 0) == [1, 3, 4, 5]


def test_a_line_may_be_reported_committed_twice() -> None:
    hosts = ReadyHosts()
    hosts.add([1], "h")
    assert hosts.take(1, 0) == [1]
    hosts.committed([1, 1, 5], 0)
    hosts.committed([1], 0)
    assert (len(hosts), hosts.out, hosts.loads(9)) == (0, 0, [])


def test_a_level_begins_when_the_one_before_has_all_its_rows() -> None:
    hosts = ReadyHosts("levels")
    hosts.add([1], "a", 0)
    hosts.add([2], "b", 2)
    hosts.add([3], "a", 1)
    hosts.add([4], "b", 0)
    assert len(hosts) == 4
    assert hosts.take(9, 0) == [1, 4]
    hosts.committed([1], 0)
    assert hosts.take(9, 0) == []
    hosts.add([5], "c", 0)  # a redirect's target has its finder's depth
    hosts.committed([4], 0)
    assert hosts.take(9, 0) == [5]
    hosts.returned([5])
    assert hosts.take(9, 0) == [5]
    hosts.committed([5], 0)
    assert hosts.take(9, 0) == [3]
    hosts.committed([3], 0)
    assert hosts.take(9, 0) == [2]


def test_without_levels_the_depth_does_not_matter() -> None:
    hosts = ReadyHosts("log")
    hosts.add([1], "a", 7)
    hosts.add([2], "b", 0)
    assert hosts.take(9, 0) == [1, 2]


def test_the_busiest_hosts_are_shown() -> None:
    hosts = ReadyHosts()
    for line in range(1, 50):
        hosts.add([line], "big")
    hosts.add([50], "small")
    hosts.take(40, 0)
    assert hosts.loads(1) == [HostLoad("big", 49 - MIN_CAP, MIN_CAP)]
    assert hosts.loads(9)[1] == HostLoad("small", 0, 1)


@given(
    st.lists(st.integers(1, MIN_CAP), min_size=1, max_size=50),
    st.integers(1, 4),
    st.integers(1, 99),
)
def test_huge_hosts_delay_small_ones_by_one_turn_each(
    small: list[int], big_hosts: int, window: int
) -> None:
    hosts, lines = ReadyHosts(), itertools.count(1)
    for name, count in [(f"big{number}", 300) for number in range(big_hosts)]:
        for line in itertools.islice(lines, count):
            hosts.add([line], name)
    for number, count in enumerate(small):
        for line in itertools.islice(lines, count):
            hosts.add([line], f"small{number}")
    first_small = 300 * big_hosts + 1
    left, handed_to_big = sum(small), 0
    while left:
        taken = hosts.take(window, 0)
        left -= sum(line >= first_small for line in taken)
        handed_to_big += sum(line < first_small for line in taken)
        hosts.committed(taken, 0)
    assert (
        handed_to_big <= big_hosts * MIN_CAP + window
    )  # those after the last small one count, too


@given(
    st.lists(st.integers(1, MIN_CAP), min_size=1, max_size=20),
    st.integers(1, 4),
    st.integers(1, 99),
    st.integers(0, 99),
)
def test_hosts_that_come_later_wait_for_two_turns_of_each_huge_one(
    small: list[int], big_hosts: int, window: int, before: int
) -> None:
    hosts, lines = ReadyHosts(), itertools.count(1)
    for number in range(big_hosts):
        hosts.add([*itertools.islice(lines, 300)], f"big{number}")
    hosts.committed(hosts.take(before, 0), 0)
    for number, count in enumerate(small):
        hosts.add([*itertools.islice(lines, count)], f"small{number}")
    left, handed_to_big = sum(small), 0
    while left:
        taken = hosts.take(window, 0)
        of_small = sum(line > 300 * big_hosts for line in taken)
        left, handed_to_big = left - of_small, handed_to_big + len(taken) - of_small
        hosts.committed(taken, 0)
    assert handed_to_big <= 2 * big_hosts * MIN_CAP + window


def test_lines_of_many_hosts_go_out_in_the_order_of_the_log() -> None:
    hosts = ReadyHosts()
    for line in range(1, 601):
        hosts.add([line], f"host{line % 3}")
    assert hosts.take(20, 0) == [*range(1, 21)]
    assert hosts.take(99, 0) == [*range(21, 3 * MIN_CAP + 1)], "each up to its cap"
    hosts.committed(range(1, 3 * MIN_CAP + 1), 1)
    assert hosts.take(20, 1) == [*range(3 * MIN_CAP + 1, 3 * MIN_CAP + 21)]


def test_a_host_with_the_first_lines_of_the_log_does_not_have_two_turns_in_a_round() -> None:
    hosts = ReadyHosts()
    hosts.add(range(1, 1001), "big")
    hosts.add(range(1001, 1003), "small")
    taken = hosts.take(MIN_CAP - 1, 0)
    hosts.committed(taken, 0)
    assert hosts.take(4, 0) == [MIN_CAP, 1001, 1002, MIN_CAP + 1]


def test_lines_beyond_the_bound_of_memory_are_spilled_and_come_back_in_order() -> None:
    spill = MemorySpill()
    hosts = ReadyHosts(spill=spill, memory_bytes=4 * BLOCK_LINES)
    for first in range(1, 20_001, 2500):
        hosts.add(range(first, first + 2500), "h")
    assert spill.puts > 10
    seen: list[int] = []
    while len(hosts):
        lines = hosts.take(100, 0)
        seen.extend(lines)
        hosts.committed(lines, 0)
    assert seen == list(range(1, 20_001))
    assert not spill.blocks


class Lines(RuleBasedStateMachine):
    """Any order of calls: each line waits, is out, or is committed; and none is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts = ReadyHosts("levels", MemorySpill(), memory_bytes=8)
        self.depth: dict[int, int] = {}
        self.out: set[int] = set()
        self.done: set[int] = set()
        self.now = 0.0

    @rule(
        count=st.integers(1, 3),
        host=st.sampled_from("abc"),
        depth=st.integers(0, 3),
        priority=st.integers(-1, 1),
    )
    def add(self, count: int, host: str, depth: int, priority: int) -> None:
        lines = range(len(self.depth) + 1, len(self.depth) + 1 + count)
        self.depth.update(dict.fromkeys(lines, depth))
        self.hosts.add(lines, host, depth, priority)

    @rule(count=st.integers(1, 50), waited_s=st.floats(0, 5))
    def take(self, count: int, waited_s: float) -> None:
        self.now += waited_s
        lines = self.hosts.take(count, self.now)
        assert len(set(lines)) == len(lines) <= count
        assert not self.out & set(lines)
        assert not self.done & set(lines)
        open_lines = set(self.depth) - self.done
        assert lines or not open_lines or self.out
        self.out |= set(lines)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        lines = data.draw(st.sets(st.sampled_from(sorted(self.out)), min_size=1))
        self.hosts.committed(lines, self.now)
        self.out -= lines
        self.done |= lines

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        lines = data.draw(st.sets(st.sampled_from(sorted(self.out)), min_size=1))
        self.hosts.returned(lines)
        self.out -= lines

    @invariant()
    def each_line_is_somewhere(self) -> None:
        assert self.hosts.out == len(self.out)
        assert len(self.hosts) == len(self.depth) - len(self.out) - len(self.done)


TestLines = Lines.TestCase
TestLines.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
