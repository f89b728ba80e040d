"""Masks and id sets are what sets are."""

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
