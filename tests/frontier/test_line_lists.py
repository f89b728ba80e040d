"""Lists of lines that are made together are those that msgpack makes of each."""

from __future__ import annotations

import msgpack
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.line_lists import LineLists, unpacked
from fetcher.frontier.rules import MAX_LINES

_LINES = st.lists(st.integers(1, 70_000) | st.integers(1, MAX_LINES) | st.just(0xFFFF), max_size=20)


@given(_LINES, st.integers(0, 20), st.integers(0, 20))
def test_each_part_is_a_list_that_msgpack_reads(lines: list[int], one: int, other: int) -> None:
    begin, end = sorted((min(one, len(lines)), min(other, len(lines))))
    part = LineLists(np.array(lines, dtype=np.uint32)).part(begin, end)
    assert unpacked(part) == lines[begin:end]
    assert msgpack.unpackb(part) == lines[begin:end]


def test_small_numbers_take_three_bytes() -> None:
    short, long = (LineLists(np.array([1, most], dtype=np.uint32)) for most in (0xFFFF, 0x10000))
    assert (len(bytes(short.part(0, 2))), len(bytes(long.part(0, 2)))) == (5 + 2 * 3, 5 + 2 * 5)
