"""Lists of lines that are made together are those that msgpack makes of each."""

from __future__ import annotations

from itertools import accumulate, chain

import msgpack
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.line_lists import parts, unpacked
from fetcher.frontier.rules import MAX_LINES

_LINES = st.lists(st.integers(1, 70_000) | st.integers(1, MAX_LINES) | st.just(0xFFFF), max_size=20)
_MOST = (0xFFFF, 0x10000)


@given(st.lists(_LINES, max_size=5))
def test_each_part_is_a_list_that_msgpack_reads(lists: list[list[int]]) -> None:
    starts = list(accumulate(map(len, lists), initial=0))
    made = parts(np.array(list(chain.from_iterable(lists)), dtype=np.uint32), starts)
    assert [unpacked(part) for part in made] == lists
    assert [msgpack.unpackb(part) for part in made] == lists


def test_small_numbers_take_three_bytes() -> None:
    (short,), (long,) = (parts(np.array([1, most], dtype=np.uint32), (0, 2)) for most in _MOST)
    assert (len(bytes(short)), len(bytes(long))) == (5 + 2 * 3, 5 + 2 * 5)
