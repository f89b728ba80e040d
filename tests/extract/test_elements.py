"""Elements that may hold links are found where a browser without scripts has them."""

from __future__ import annotations

import pytest

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
