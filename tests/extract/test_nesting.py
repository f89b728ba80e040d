"""Closed elements are taken out of a page, and no element that a parser has open is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.extract import effort, nesting


@pytest.mark.parametrize(
    ("page", "left"),
    [
        ("<ul><li><a href='/x' class=y>x</a></li></ul>", []),
        ("<div><p>x</p><br></div >", ["div", "br"]),
        ("<DIV>x</DIV><div>x</DIV>", ["div"]),
        ("<div><!-- </div> -->", ["div"]),
        ("<div title='</div>'>x</div>", ["div"]),
        ('<div x=a"b c="d>x</div>">', ["div"]),
        ("<div><<b>x</b>/div>", ["div"]),
        ("<body>x</body><html>x</html><header>x</header>", ["body", "html"]),
    ],
)
def test_what_is_closed_where_it_should_be_is_taken_out(page: str, left: list[str]) -> None:
    rest = nesting.without_closed(page.encode() * 2)
    assert nesting.opened(rest) == [name.encode() for name in left] * 2


class _Depths(effort._Counter):
    most = 0

    def _begin(self, name: bytes, tag: bytes) -> None:
        super()._begin(name, tag)
        self.most = max(self.most, self._depth)


_TAGS = st.sampled_from(
    ["<div>", "</div>", "<b>", "</b>", "<b x='", "'>",
     "<i y=\"", "\">", "<i>", "</i>", "<p>", "</p>",
     "<!--", "-->", "<script>", "</script>", "<title>", "</title>", "<", ">", "text", " ", "=", "/",
     "<div a b=c d='e'>", "<div x=a\"b>", "</div >", "<br>", "</br>", "<x-y>", "</x-y>", "<BODY>"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_TAGS, max_size=30).map("".join))
def test_what_is_left_of_a_page_is_not_less_than_what_was_open(text: str) -> None:
    page = text.encode()
    counter = _Depths(page)
    counter.count()
    assert counter.most <= effort._most_open(nesting.without_closed(page))
