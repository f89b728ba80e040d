"""Elements that may hold links are found where a browser without scripts has them."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fetcher.extract import elements
from fetcher.extract.elements import Elements


def found(page: str, *, assets: bool = False) -> list[tuple[str, str | None]]:
    """The tags and the links of all elements, in their order."""
    seen = Elements(page, assets=assets)
    nodes = [(node.tag, node.attr("href")) for node in seen.nodes]
    return [*nodes, *(("a", href) for href in seen.hrefs)]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<a href><area><iframe></iframe><p>", ["a", "area", "iframe"]),
        (
            "<link><link rel=x><base><base href=x><meta><meta name=x>",
            ["link", "link", "base", "base", "meta", "meta"],
        ),
        ("<template><a href></template><noscript><a href></noscript><!-- <a href> -->", ["a"]),
        ("<template><a href></template><template><base href></template>", []),
        ("<div><template shadowrootmode=open><a href></template></div><a href>", ["a"]),
        ("<svg><template></svg><a href>", ["a"]),
        ("<svg><template></svg><template><a href></template><area>", ["area"]),
        ("<template><template><area></template><link></template><iframe>", ["iframe"]),
        ("<table><tr><td><a href></a></table><A HREF>", ["a", "a"]),
        ("<svg><a xlink:href=x /></svg><frame><a name=x><a xlink:href>", ["a", "a"]),
    ],
)
def test_elements_are_found_in_the_order_of_the_page(page: str, expected: list[str]) -> None:
    assert [tag for tag, _ in found(page)] == expected


def test_plain_links_are_read_without_their_elements() -> None:
    page = "<meta name=x><link href=s><body><p><a href=1>x</a><a class=c href=2><a name=3>"
    seen = Elements(page, assets=False)
    assert ([node.tag for node in seen.nodes], seen.hrefs) == (["meta", "link"], ["1", "2"])


@pytest.mark.parametrize("other", ["<a href=3 rel=x>", "<area>", "<p><base href=x>", "<template>"])
def test_links_are_elements_where_others_say_how_they_are_read(other: str) -> None:
    seen = Elements(f"<a href=1><a href=2>{other}", assets=False)
    assert [node.attr("href") for node in seen.nodes][:2] == ["1", "2"]
    assert seen.hrefs == []


def test_links_of_a_page_with_many_are_as_those_of_a_page_with_few() -> None:
    page = "<a href=x&amp;y>x</a><a href></a><a name=z>" * 2000
    assert len(page) * 6000 > elements._MOST_BYTES
    assert Elements(page, assets=False).hrefs == ["x&y", ""] * 2000


@pytest.mark.parametrize("wide", ["\U0001f600", "&#x1f600;", "&Afr;"])
def test_a_short_page_has_no_long_hrefs_taken_at_once(wide: str) -> None:
    copies = 3500
    page = f"<p><a href={'x' * 14_000}{wide}>" + "<p>x" * copies
    seen = Elements(page, assets=False)  # with four bytes for each character, 200 MB
    assert (seen.hrefs, len(seen.nodes)) == ([], copies + 1)


@pytest.mark.parametrize("before", range(elements._PIECE_CHARS - 30, elements._PIECE_CHARS + 1, 3))
def test_a_long_page_is_parsed_in_pieces(before: int) -> None:
    cut = "<a href='x&amp;y\u20ac'>x</a><!-- <a href=no> --><a href=z>"
    page = "<meta name=x><body>".ljust(before, "-") + cut.ljust(elements._PIECE_CHARS)
    assert found(page) == [("meta", None), ("a", "x&y\u20ac"), ("a", "z")]


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
def test_plain_links_are_found_as_all_others_in_their_order(page: str) -> None:
    seen = found(page)
    with patch.object(elements, "_is_in_head", lambda _: False):
        queried = found(page) if Elements(page, assets=False).nodes else seen
    assert seen == queried


def test_elements_with_assets_are_found_on_request() -> None:
    page = "<body background=b><p style=s><img><script></script><script src=x></script><a href>"
    assert [tag for tag, _ in found(page)] == ["a"]
    assert [tag for tag, _ in found(page, assets=True)] == ["body", "p", "img", "script", "a"]


def test_elements_are_found_by_their_tag() -> None:
    seen = Elements("<iframe src=1></iframe><area><iframe src=2></iframe>", assets=False)
    assert [node.attr("src") for node in seen.of("iframe")] == ["1", "2"]
    assert seen.of("base") == []


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<svg><title>tip</title></svg><p><title>page</title><title>another</title>", "page"),
        ("<svg><title>tip</title></svg>", None),
        ("<template><title>x</title></template><title>page</title>", "page"),
        ("<title>a\n b</title>", "a\n b"),
    ],
)
def test_the_title_is_the_first_of_the_page_itself(page: str, expected: str | None) -> None:
    assert Elements(page, assets=False).title() == expected
