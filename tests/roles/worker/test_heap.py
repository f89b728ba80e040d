"""Freed memory is returned to the system after many bytes of large rows."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import pytest

from fetcher.roles.worker.heap import LARGE_BYTES, Heap

MB = 1024 * 1024


@pytest.fixture
def trims(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The calls of malloc_trim."""
    return []


def heap_of(trims: list[int]) -> Heap:
    heap = Heap()
    heap._trim = trims.append
    return heap


def test_memory_is_returned_once_for_each_32_mib(trims: list[int]) -> None:
    heap = heap_of(trims)
    heap.freed(31 * MB)
    assert trims == []
    heap.freed(MB)
    assert trims == [0]
    heap.freed(31 * MB)
    assert trims == [0]
    heap.freed(40 * MB)
    assert trims == [0, 0]


def test_small_rows_do_not_count(trims: list[int]) -> None:
    heap = heap_of(trims)
    for _ in range(200):
        heap.freed(LARGE_BYTES - 1)
    assert trims == []
    for _ in range(128):
        heap.freed(LARGE_BYTES)
    assert trims == [0]


def test_another_libc_than_glibc_is_left_alone() -> None:
    heap = Heap()
    heap._trim = None
    heap.freed(100 * MB)
    heap.keep_for_trees()


def test_the_memory_of_a_tree_is_kept_for_the_next_one() -> None:
    class Libc:
        calls: ClassVar[list[tuple[int, int]]] = []

        def mallopt(self, parameter: int, value: int) -> None:
            self.calls.append((parameter, value))

    heap = Heap()
    heap._libc = cast("Any", Libc())
    heap.keep_for_trees()
    thresholds = dict(Libc.calls)
    assert thresholds[-3] > 266_240  # a block of the parser comes from the heap
    assert thresholds[-1] > 2 * 266_240  # where some stay when they are freed
