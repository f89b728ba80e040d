"""What a commit appends to the files of a crawl."""

from __future__ import annotations

import pytest

from fetcher.commit.crawl_record import Appended


@pytest.mark.parametrize("name", ["log", "edges", "found"])
def test_any_record_makes_the_append_necessary(name: str) -> None:
    assert not Appended()
    assert Appended(**{name: [b"x"]})


def test_keys_come_with_lines_of_the_log_only() -> None:
    assert not Appended(keys=[b"x"])
