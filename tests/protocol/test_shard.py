"""The shares of sinks."""

from __future__ import annotations

import pytest

from fetcher.protocol.shard import WHOLE, Share


def test_each_batch_is_in_exactly_one_share() -> None:
    shares = [Share(index, 3) for index in range(3)]
    for batch in range(100):
        assert sum(share.has(batch) for share in shares) == 1
    assert all(WHOLE.has(batch) for batch in range(100))


def test_a_share_is_named_by_its_sink() -> None:
    assert str(Share(1, 3)) == "sink 2 of 3"


def test_an_index_beyond_the_number_of_sinks_is_refused() -> None:
    with pytest.raises(ValueError, match="sink 4 of 3"):
        Share(3, 3)
