"""URLs in a style sheet."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.extract import css


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a { b: url(c) }", ["c"]),
        ("a { b: URL( 'c' ), url(\"d\") }", ["c", "d"]),
        ("url( c\n)", ["c"]),
        ("url()", []),
        ("url('')", []),
        ("xurl(c)", []),
        ("url(c", ["c"]),
        ("url(c d)", []),
        ("@import 'c'; @import\"d\" screen; @import/**/'e'; @import url(f);", ["c", "d", "e", "f"]),
        ("/* url(c) */ url(d) /* url(e)", ["d"]),
        ("a { content: 'url(c)' } 'url(d)' url(e)", ["e"]),
        ("@namespace svg url(http://www.w3.org/2000/svg); url(c)", ["c"]),
        (r"url(c\20 d\)e)", ["c d)e"]),
        (r"url('c\'\64 \000065f')", ["c'def"]),
        ("url('c\\\nd')", ["cd"]),
        (r"url(\0\110000\d800x)", ["\ufffd" * 3 + "x"]),
        ("image-set('c' 1x, url(d) 2x, \"e\" type('image/png'))", ["c", "d", "e"]),
        ("-webkit-image-set(url('c') 1x)", ["c"]),
        ("image-set(linear-gradient(red, blue) 1x, 'c')", ["c"]),
        ("a{b:'unclosed\n} url(c)", ["c"]),
    ],
)
def test_a_style_sheet_gives_its_urls(text: str, expected: list[str]) -> None:
    assert list(css.urls_of(text)) == expected


@pytest.mark.parametrize("end", ["url(c", "url('c", "url('c'", "@import 'c", "image-set('c' 1x"])
def test_a_url_at_which_a_style_sheet_was_cut_is_left_out(end: str) -> None:
    text = f"a {{ b: url(d) }} {end}"
    assert list(css.urls_of(text)) == ["d", "c"]
    assert list(css.urls_of(text, is_whole=False)) == ["d"]


def test_a_style_sheet_that_was_cut_after_a_url_has_it() -> None:
    assert list(css.urls_of("a { b: url(c) ", is_whole=False)) == ["c"]


@given(st.text("url(@import'\"\\/*) \nax;{}", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert all(css.urls_of(text))


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "url(",
        "'",
        "/*",
        "\\",
        "@import ",
        "url('",
        "image-set(",
        "a(",
        ",",
        "@namespace ",
        "*",
    ],
)
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    begun = time.process_time()
    list(css.urls_of(text))
    assert time.process_time() - begun < 5  # seconds; the square would take minutes
