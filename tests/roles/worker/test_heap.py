"""Freed memory is returned to the system after many bytes of large rows."""

from __future__ import annotations

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
