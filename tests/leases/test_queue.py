"""The parts of batches that wait, by share."""

from __future__ import annotations

from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.queue import Queue
from fetcher.leases.types import BatchPart


def same(part: BatchPart) -> BatchPart:
    return part


def test_shares_take_turns_and_a_frozen_share_loses_its_turn() -> None:
    frozen = FrozenShares(2)
    queue = Queue(frozen)
    for batch in range(4):
        queue.push(BatchPart(batch, 1))
    assert queue.pop(same) == BatchPart(0, 1)
    frozen.freeze(0, 1)
    assert queue.pop(same) == BatchPart(2, 1)
    assert queue.pop(same) is None
    assert (len(queue), queue.has_ready()) == (2, False)
    frozen.thaw(1, 1)
    assert queue.pop(same) == BatchPart(1, 1)


def test_a_part_without_uncommitted_lines_is_dropped() -> None:
    queue = Queue(FrozenShares(1))
    queue.push(BatchPart(0, 1))
    queue.push_first(BatchPart(1, 1))
    assert queue.pop(lambda part: None if part.batch == 1 else part) == BatchPart(0, 1)
    assert len(queue) == 0


def test_a_line_that_a_worker_had_when_it_died_waits_apart_from_the_others() -> None:
    frozen = FrozenShares(2)
    queue = Queue(frozen)
    line = BatchPart(0, 0b10, deaths=1)
    queue.push(line)
    assert queue.pop(same) is None
    assert (queue.has_isolated, queue.has_ready()) == (True, False)
    assert [*queue.parts(0)] == [line]
    assert [*queue.parts(1)] == []
    frozen.freeze(0, 0)
    assert queue.pop_isolated(same) is None
    frozen.thaw(1, 0)
    assert queue.pop_isolated(same) == line


def test_a_share_is_read_until_its_part_of_the_memory_is_full() -> None:
    queue = Queue(FrozenShares(2))
    assert queue.wants_batch(0, 100)
    queue.add_open_bytes(0, 50)
    assert not queue.wants_batch(0, 100)
    assert queue.wants_batch(1, 100)
    queue.add_open_bytes(2, -50)
    assert queue.wants_batch(0, 100)
    queue.read_to_end(0)
    assert not queue.wants_batch(0, 100)
    assert (queue.is_read(0), queue.is_all_read) == (True, False)
