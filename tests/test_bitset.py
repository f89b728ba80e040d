"""Masks and id sets behave as sets of small integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher import bitset

sets = st.sets(st.integers(0, 700), max_size=60)


@given(sets)
def test_a_mask_is_its_set(items: set[int]) -> None:
    mask = bitset.mask_of(items)
    assert list(bitset.offsets(mask)) == sorted(items)
    assert bitset.unpack(bitset.pack(mask)) == mask


@given(sets, st.integers(1, 12))
def test_parts_are_disjoint_even_and_complete(items: set[int], count: int) -> None:
    mask = bitset.mask_of(items)
    parts = bitset.parts(mask, count)
    assert len(parts) == min(count, len(items))
    assert sum(parts) == mask
    sizes = [part.bit_count() for part in parts]
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert all(sizes)


@given(sets, sets)
def test_an_id_set_holds_what_was_added_also_once_packed(added: set[int], asked: set[int]) -> None:
    made = bitset.IdSet()
    for item in added:
        made.add(item)
    again = bitset.IdSet(made.pack())
    for item in asked | added:
        assert (item in made) == (item in added)
        assert (item in again) == (item in added)
    assert made.count() == len(added)


@given(st.integers(0, 3000))
def test_an_id_set_takes_one_bit_for_each_id(item: int) -> None:
    made = bitset.IdSet()
    made.add(item)
    assert len(made.pack()) == item // 8 + 1


def test_packed_masks_are_little_endian_and_as_short_as_possible() -> None:
    assert bitset.pack(0) == b""
    assert bitset.pack(0b1_0000_0001) == b"\x01\x01"
    assert bitset.unpack(b"") == 0
