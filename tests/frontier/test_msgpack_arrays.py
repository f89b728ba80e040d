"""Items that are encoded already become an array that msgpack reads."""

from __future__ import annotations

import msgpack
import pytest

from fetcher.frontier.msgpack_arrays import array_of


@pytest.mark.parametrize("items", [[], [1], ["a", b"b", {"c": [2]}], [0] * 70_000])
def test_an_array_holds_its_items(items: list[object]) -> None:
    data = b"".join(map(msgpack.packb, items))
    assert msgpack.unpackb(array_of(data, len(items))) == items
