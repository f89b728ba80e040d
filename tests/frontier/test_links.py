"""How much text a link holds."""

from __future__ import annotations

import pytest

from fetcher.frontier.links import Link, LinkRequest, link_chars


@pytest.mark.parametrize(
    ("link", "chars"),
    [
        (Link("http://a"), 8),
        (Link("http://a", "a", "a key"), 8),
        (Link("http://a", request=LinkRequest("POST", "list", id=77)), 8 + 4 + 2),
        (Link("http://a", request=LinkRequest(headers=(("A", "12"),), id="")), 8 + 3),
        (Link("http://a", request=LinkRequest(body=b"12345", id="")), 8 + 5),
    ],
)
def test_all_texts_of_a_link_count(link: Link, chars: int) -> None:
    assert link_chars(link) == chars
