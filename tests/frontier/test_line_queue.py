"""A queue of lines: first in, first out, whether its middle is in memory or not."""

from __future__ import annotations

import itertools
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.line_queue import BLOCK_LINES, LineQueue
from support.line_texts import MemorySpill


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 2500)), max_size=20),
    st.booleans(),
    st.lists(st.integers(1, 5), max_size=5),
)
def test_a_queue_keeps_its_order_whether_it_spills_or_not(
    steps: list[tuple[bool, int]], spills: bool, back: list[int]
) -> None:
    spill = MemorySpill()
    queue, expected, lines = LineQueue(), deque[int](), itertools.count(1)
    for is_take, count in steps:
        if is_take:
            taken = queue.take(count, spill)
            assert taken == [expected.popleft() for _ in range(min(count, len(expected)))]
            queue.put_back(back)
            expected.extendleft(reversed(back))
        else:
            some = list(itertools.islice(lines, count))
            queue.extend(some, spill if spills else None)
            expected.extend(some)
        assert len(queue) == len(expected)
        assert queue.spilled == len(spill.blocks) * BLOCK_LINES
    assert queue.take(10**6, spill) == list(expected)
    assert not spill.blocks


def test_a_spilled_queue_without_its_spill_is_an_error() -> None:
    queue = LineQueue()
    queue.extend(range(3 * BLOCK_LINES), MemorySpill())
    with pytest.raises(ValueError, match="without its spill"):
        queue.take(3 * BLOCK_LINES)


def test_only_full_blocks_between_the_first_and_the_last_are_spilled() -> None:
    queue, spill = LineQueue(), MemorySpill()
    queue.extend(range(2 * BLOCK_LINES), spill)
    assert (queue.spilled, spill.puts) == (0, 0)
    for line in range(BLOCK_LINES + 1):
        queue.extend([line], spill)
    assert (queue.spilled, spill.puts) == (2 * BLOCK_LINES, 2)
    assert len(queue) == 3 * BLOCK_LINES + 1
    queue.take(BLOCK_LINES, spill)
    assert (queue.spilled, len(spill.blocks)) == (BLOCK_LINES, 1)
    queue.take(BLOCK_LINES, spill)
    assert (queue.spilled, len(spill.blocks)) == (0, 0)


def test_lines_have_32_bits() -> None:
    queue = LineQueue()
    queue.extend([(1 << 32) - 1])
    assert queue.take(5) == [(1 << 32) - 1]
    with pytest.raises(OverflowError):
        queue.extend([1 << 32])


def test_an_empty_queue_gives_nothing() -> None:
    queue = LineQueue()
    assert (queue.take(3), len(queue)) == ([], 0)
    queue.put_back([4, 5])
    assert (queue.take(1), queue.take(0), queue.take(9), len(queue)) == ([4], [], [5], 0)


@given(st.lists(st.integers(1, 3000), unique=True), st.integers(1, 50), st.integers(0, 3000))
def test_a_bound_ends_what_is_taken_after_the_first_line(
    lines: list[int], count: int, before: int
) -> None:
    queue, lines = LineQueue(), sorted(lines)
    queue.extend(lines)
    expected = lines[:1] + [line for line in lines[1:count] if line < before]
    assert queue.take(count, before=before) == expected
    assert queue.take(len(lines)) == lines[len(expected) :]


def test_the_first_line_is_that_which_is_taken_next() -> None:
    queue = LineQueue()
    queue.extend(range(2 * BLOCK_LINES))
    assert [(queue.first, queue.take(900)[0]) for _ in range(3)] == [
        (0, 0),
        (900, 900),
        (1800, 1800),
    ]
