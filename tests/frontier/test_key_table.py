"""The numbers of keys: the same answers as a dict, at any size and after any growth."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.key_table import Keys, KeyTable
from fetcher.frontier.keys import as_keys, digests_of


def keys(*numbers: int) -> Keys:
    return as_keys(digests_of((b"%d" % number for number in numbers), 1))


def small(*pairs: tuple[int, int]) -> Keys:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


def test_an_empty_set_knows_nothing() -> None:
    seen = KeyTable(2)
    assert len(seen) == 0
    assert seen.numbers_of(keys(1, 2)).tolist() == [0, 0]
    assert seen.numbers_of(keys()).tolist() == []
    seen.add(keys())
    assert len(seen) == 0


def test_keys_are_found_in_any_number_at_once() -> None:
    seen = KeyTable(2)
    seen.add(keys(*range(1000)))
    for count in (1, 47, 48, 49, 300):
        numbers = seen.numbers_of(keys(*range(1000 - count // 2, 1000 + count // 2 + 1)))
        known = range(1001 - count // 2, 1001)
        assert numbers.tolist() == [*known, *[0] * (count // 2 + 1)]


def test_the_key_of_zeros_is_a_key_as_any_other() -> None:
    seen = KeyTable(2)
    seen.add(small((5, 5)))
    assert seen.numbers_of(small((0, 0), (5, 5))).tolist() == [0, 1]
    seen.add(small((0, 0)))
    assert seen.numbers_of(small((0, 0), (5, 5))).tolist() == [2, 1]


# Few different values, so that keys share slots, steps and halves.
_HALVES = st.sampled_from([0, 1, 1008, 1009, 2018, 2**32, 2**64 - 1, 1009 * 1008])


@given(st.lists(st.lists(st.tuples(_HALVES, _HALVES), max_size=20), max_size=10))
def test_it_answers_as_a_dict_does(batches: list[list[tuple[int, int]]]) -> None:
    seen, expected = KeyTable(2), dict[tuple[int, int], int]()
    for batch in batches:
        asked = small(*batch)
        assert seen.numbers_of(asked).tolist() == [expected.get(pair, 0) for pair in batch]
        new = list(dict.fromkeys(pair for pair in batch if pair not in expected))
        seen.add(small(*new))
        expected.update({pair: line for line, pair in enumerate(new, len(expected) + 1)})
    assert len(seen) == len(expected)
    assert seen.numbers_of(small(*expected)).tolist() == list(expected.values())


def test_it_grows_in_batches_of_any_size_and_stays_exact() -> None:
    seen, count = KeyTable(2), 0
    for size in (1, 7, 800, 1, 5000, 20_000, 3, 60_000):
        seen.add(keys(*range(count, count + size)))
        count += size
        assert len(seen) == count
    assert seen.numbers_of(keys(*range(count))).tolist() == list(range(1, count + 1))
    assert not seen.numbers_of(keys(*range(count, 2 * count))).any()


def test_it_costs_at_most_24_bytes_a_key() -> None:
    seen, made = KeyTable(2), np.random.default_rng(1)
    for _ in range(100):
        seen.add(made.integers(0, 2**64, (12_000, 2), dtype=np.uint64))
        assert len(seen) < 700_000 or seen.memory_bytes <= 24 * len(seen)


def test_a_small_table_is_sparse_and_takes_at_most_4_mib() -> None:
    seen, made = KeyTable(2), np.random.default_rng(1)
    for _ in range(100):
        seen.add(made.integers(0, 2**64, (7000, 2), dtype=np.uint64))
        keys_bytes = 17 * len(seen) + 17 * 1024  # with what is taken in advance
        assert seen.memory_bytes <= keys_bytes + (4 << 20) + 1000
        assert len(seen) > 400_000 or seen.memory_bytes >= 26 * len(seen)
