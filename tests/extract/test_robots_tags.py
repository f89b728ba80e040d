"""What a page asks of robots."""

from __future__ import annotations

import pytest

from fetcher.extract import robots_tags


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), False),
        (("noindex",), False),
        (("noindex, NOFOLLOW",), True),
        (("none",), True),
        (("noindex", "nofollow"), True),
        (("googlebot: nofollow",), False),
        (("robots: nofollow",), True),
        (("*: nofollow",), True),
        (("Fetcher: noindex, nofollow",), True),
        (("max-snippet: 5, nofollow",), True),
        (("unavailable_after: 25 Jun 2030 15:00:00 PST, nofollow",), True),
        (("otherbot: noindex, nofollow", "noindex"), False),
    ],
)
def test_the_headers_speak_to_all_robots_or_to_one(values: tuple[str, ...], expected: bool) -> None:
    headers = [("Server", "none"), *(("X-Robots-Tag", value) for value in values)]
    assert robots_tags.headers_say_nofollow(headers, "fetcher") is expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("nofollow", True),
        ("NONE", True),
        ("index,nofollow", True),
        ("noindex nofollow", True),
        ("all", False),
        ("", False),
        ("nofollows", False),
    ],
)
def test_a_word_of_the_content_decides(content: str, expected: bool) -> None:
    assert robots_tags.is_nofollow(content) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("robots", True), (" ROBOTS ", True), ("fetcher", True), ("googlebot", False), ("", False)],
)
def test_a_meta_is_for_all_robots_or_for_one(name: str, expected: bool) -> None:
    assert robots_tags.is_for_us(name, "Fetcher") is expected
