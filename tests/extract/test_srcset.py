"""URLs in a srcset attribute."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.extract import srcset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        (" a 1x , b 2x", ["a", "b"]),
        ("a,b", ["a,b"]),
        ("a, b", ["a", "b"]),
        ("a 100w,b 200w", ["a", "b"]),
        (",,a 1x,, b,,", ["a", "b"]),
        ("a (x,y) 1x, b", ["a", "b"]),
        ("a (x, b", ["a"]),
        ("data:image/png;base64,AA== 1x, b", ["data:image/png;base64,AA==", "b"]),
        ("\n\ta\f1x\n,\nb", ["a", "b"]),
    ],
)
def test_a_srcset_gives_its_urls(text: str, expected: list[str]) -> None:
    assert list(srcset.urls_of(text)) == expected


@given(st.text("a( ,) \nx1w", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for url in srcset.urls_of(text):
        assert url in text
        assert not url.endswith(",")


@pytest.mark.parametrize("piece", ["(", "a(", ",", "a ", "a (", "a (,"])
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    begun = time.process_time()
    list(srcset.urls_of(piece * (400_000 // len(piece))))
    assert time.process_time() - begun < 5  # seconds; the square would take minutes
