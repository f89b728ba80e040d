"""Links by columns are the same links."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.link_table import LinkTable, Rest
from fetcher.frontier.links import Link, LinkRequest, Via

_LINKS = st.lists(
    st.builds(
        Link,
        st.text(),
        st.sampled_from([str(via) for via in Via]),
        st.sampled_from(["", "http://key/"]),
        st.sampled_from([0, -3]),
        st.sampled_from([None, LinkRequest("POST", body=b"x")]),
    ),
    max_size=5,
)


def _text_of(link: Link) -> str:
    assert link.request is not None
    return f"POST {link.url}"


@given(_LINKS)
def test_a_table_is_a_sequence_of_its_links(links: list[Link]) -> None:
    table = LinkTable.of(links)
    assert (list(table), len(table)) == (links, len(links))
    assert table == LinkTable.of(list(table))
    assert [table[at] for at in range(len(links))] == links
    assert (table[1:4], table[::-1]) == (links[1:4], links[::-1])
    assert table.is_sound()
    assert LinkTable.of(table) is table


@given(_LINKS)
def test_a_key_text_is_that_of_the_request_or_the_url(links: list[Link]) -> None:
    table = LinkTable.of(links)
    texts = [url.decode() for url in table.urls]
    for at, text in table.key_texts(_text_of):
        texts[at] = text
    assert texts == [link.key or (_text_of(link) if link.request else link.url) for link in links]


class _CountedSplits(bytes):
    """A text that counts how often it is split."""

    splits = 0

    def split(self, sep: Any = None, maxsplit: Any = -1) -> list[bytes]:
        self.splits += 1
        return super().split(sep, maxsplit)


@pytest.mark.parametrize("kinds", [b"\1", b"\1" * 300])
def test_the_text_of_a_table_is_split_once_for_all_of_its_links(kinds: bytes) -> None:
    urls = [f"http://a/{number}" for number in range(300)]
    rest = {at: Rest("", 0, LinkRequest("POST")) for at in range(300)}

    def table() -> tuple[LinkTable, _CountedSplits]:
        text = _CountedSplits("".join(f"{url}\n" for url in urls).encode())
        return LinkTable(text, kinds, rest), text

    links, text = table()
    assert ([link.url for link in links], text.splits) == (urls, 1)
    links, text = table()
    assert ([link.url for link in links[::-1]], text.splits) == (urls[::-1], 1)
    links, text = table()
    expected = [(at, f"POST {url}") for at, url in enumerate(urls)]
    assert ([*links.key_texts(_text_of)], text.splits) == (expected, 1)


def test_a_table_differs_from_other_links() -> None:
    table = LinkTable.of([Link("http://a/")])
    assert table != [Link("http://b/")]
    assert table != []
    assert table != "http://a/"
    with pytest.raises(TypeError):
        hash(table)


def test_half_a_character_and_an_unknown_kind_are_kept_as_far_as_they_can_be() -> None:
    assert list(LinkTable.of([Link("http://\ud800/", "hologram")])) == [Link("http://\ud800/", "")]
