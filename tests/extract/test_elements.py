"""Elements that may hold links are found where a browser without scripts has them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetcher.extract import elements
from fetcher.extract.elements import Elements


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<a><area><iframe></iframe><p>", ["a", "area", "iframe"]),
        ("<link><link href=x><base><base href=x><meta><meta name=x>", ["link", "base", "meta"]),
        ("<template><a></template><noscript><a></noscript><!-- <a> -->", ["a"]),
        ("<table><tr><td><a></a></table><A>", ["a", "a"]),
        ("<svg><a/></svg><frame>", ["a"]),
    ],
)
def test_elements_are_found_in_the_order_of_the_page(page: str, expected: list[str]) -> None:
    assert Elements(page.encode(), assets=False).tags == expected


# Tags with attributes that tell them apart, and what moves them to the head, the body or nowhere.
_PIECES = st.sampled_from(
    ["<a href=%d>", "<area href=%d>", "<iframe src=%d></iframe>", "<frame src=%d>", "<frameset>",
     "<link href=%d>", "<link rel=%d>", "<meta name=%d>", "<meta charset=%d>", "<base href=%d>",
     "<meta http-equiv=%d>", "<base>", "<head>", "</head>", "<body>", "<noscript>", "</noscript>",
     "<template>", "</template>", "<svg>", "</svg>", "<math>", "<table>", "<p>", "<title>", "text"]
)  # fmt: skip
_NUMBERED = st.lists(_PIECES, max_size=20).map(
    lambda pieces: "".join(piece.replace("%d", str(at)) for at, piece in enumerate(pieces))
)


@given(_NUMBERED)
@example("<meta name=1><link href=2><meta http-equiv=3><base href=4><a href=5><a href=6>")
@example("<noscript><link href=1><meta charset=2></noscript><a href=3><iframe src=4></iframe><a>")
@example("<a href=1><link href=2><a href=3><meta name=4>")
@example("<frameset><frame src=1></frameset>")
@example("<svg><head><link href=1></svg><a href=2>")
def test_a_search_finds_what_a_query_finds_in_its_order(page: str) -> None:
    searched, queried = (Elements(page.encode(), assets=False) for _ in range(2))
    queried.nodes, queried.tags = [], []
    queried._select(elements._LINKS)
    assert searched.tags == queried.tags
    assert [n.attributes for n in searched.nodes] == [n.attributes for n in queried.nodes]


@pytest.mark.parametrize("size", [elements._MOST_SEARCHED_BYTES, elements._MOST_SEARCHED_BYTES + 1])
def test_the_elements_of_a_long_page_are_found_too(size: int) -> None:
    page = b"<meta name=1><a href=2><link href=3>".ljust(size)
    assert Elements(page, assets=False).tags == ["meta", "a", "link"]
    assert Elements(page[: page.index(b"<link")].ljust(size), assets=False).tags == ["meta", "a"]


def test_elements_with_assets_are_found_on_request() -> None:
    page = b"<body background=b><p style=s><img><script></script><script src=x></script><a>"
    assert Elements(page, assets=False).tags == ["a"]
    assert Elements(page, assets=True).tags == ["body", "p", "img", "script", "a"]


def test_elements_are_found_by_their_tag() -> None:
    elements = Elements(b"<a href=1><iframe src=2></iframe><a href=3>", assets=False)
    assert [node.attributes["href"] for node in elements.of("a")] == ["1", "3"]
    assert not list(elements.of("base"))


def test_the_title_is_the_first_outside_of_drawings() -> None:
    page = b"<svg><title>tip</title></svg><p><title>of the page</title><title>another</title>"
    assert Elements(page, assets=False).title() == "of the page"
    assert Elements(b"<svg><title>tip</title></svg>", assets=False).title() is None
