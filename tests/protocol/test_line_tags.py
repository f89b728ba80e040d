"""The tags of lines."""

from __future__ import annotations

import pytest

from fetcher.model import Found
from fetcher.protocol import line_tags
from fetcher.protocol.line_tags import TAG_BYTES, Named

KEY = bytes(range(32))
LINE: Named = (7, "http://a.test/", None)


def tag(key: bytes = KEY, batch: int = 1, mask: bytes = b"\x07", line: Named = LINE) -> bytes:
    return line_tags.of_lines(key, batch, mask, [line])


def test_each_line_has_a_tag_in_the_order_of_the_lines() -> None:
    other: Named = (8, "http://b.test/", "x")
    tags = line_tags.of_lines(KEY, 1, b"\x07", [LINE, other])
    assert len(tags) == 2 * TAG_BYTES
    assert tags == tag() + tag(line=other)
    assert line_tags.picked(tags, (1, 0)) == tag(line=other) + tag()


@pytest.mark.parametrize(
    "other",
    [
        tag(key=bytes(32)),
        tag(batch=2),
        tag(mask=b"\x03"),
        tag(line=(8, LINE[1], None)),
        tag(line=(7, "http://b.test/", None)),
        tag(line=(7, LINE[1], "1")),
        tag(line=(7, LINE[1], 1)),
    ],
)
def test_a_tag_covers_key_batch_mask_line_url_and_id(other: bytes) -> None:
    assert other != tag()


def test_an_id_that_is_a_number_has_another_tag_than_its_text() -> None:
    assert tag(line=(7, "u", 1)) != tag(line=(7, "u", "1"))


def test_in_a_crawl_a_tag_covers_how_the_line_was_found() -> None:
    found = Found(2, 5, "a", 1)
    others = [None, Found(3, 5, "a", 1), Found(2, 6, "a", 1), Found(2, 5, "area", 1)]
    others.append(Found(2, 5, "a", 0))
    tags = {tag(line=line_tags.named(7, "u", None, each)) for each in (found, *others)}
    assert len(tags) == 6
    assert line_tags.named(7, "u", None) == (7, "u", None)
