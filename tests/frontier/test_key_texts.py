"""Key texts: which URLs are one page of a crawl."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.rules import CrawlRules

PLAIN = KeyTexts(CrawlRules())


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://h/a?b=1", "http://h/a?b=1"),
        ("http://h/a?b=1#part", "http://h/a?b=1"),
        ("HTTP://H:80", "http://h/"),
        ("http://h/a/../b/./c", "http://h/b/c"),
        ("http://h/a b", "http://h/a%20b"),
        ("http://h/a #part", "http://h/a%20"),
        (" http://h/a\n", "http://h/a"),
        ("http://h/%7Ea", "http://h/%7Ea"),
        ("http://h/?", "http://h/?"),
        ("http://h/?b&a", "http://h/?b&a"),
        ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
        ("http://[::0001]/", "http://[::1]/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://user@h/", None),
        ("ftp://h/", None),
        ("mailto:a@b", None),
        ("/a", None),
        ("http://", None),
        ("", None),
    ],
)
def test_the_key_is_the_url_as_a_browser_writes_it(url: str, key: str | None) -> None:
    assert PLAIN.of(url) == key


@pytest.mark.parametrize(
    ("names", "url", "key"),
    [
        (("@tracking",), "http://h/?utm_source=x&a=1&fbclid=2&GCLID=3", "http://h/?a=1"),
        (("@tracking",), "http://h/?utm_source=x", "http://h/"),
        (("@tracking",), "http://h/?utm%5Fsource=x&xutm_source=1", "http://h/?xutm_source=1"),
        (("sid", "a.*"), "http://h/?sid=1&side=2&a.b=3&ab=4", "http://h/?side=2&ab=4"),
        (("sid",), "http://h/sid=1?SID#sid", "http://h/sid=1"),
        (("sid",), "http://h/?a&&b", "http://h/?a&&b"),
    ],
)
def test_parameters_that_do_not_count_are_dropped(
    names: tuple[str, ...], url: str, key: str
) -> None:
    texts = KeyTexts(CrawlRules(drop_params=names))
    assert texts.of(url) == key
    assert texts.of_normal(url) == key


def test_parameters_are_sorted_by_name_and_those_of_one_name_keep_their_order() -> None:
    texts = KeyTexts(CrawlRules(sort_query=True))
    assert texts.of("http://h/?b=1&a=2&b=0&a=1") == "http://h/?a=2&a=1&b=1&b=0"
    assert texts.of("http://h/?") == "http://h/?"


def test_another_method_or_body_is_another_page() -> None:
    made = [
        PLAIN.of("http://h/"),
        PLAIN.of("http://h/", "HEAD"),
        PLAIN.of("http://h/", "POST"),
        PLAIN.of("http://h/", "POST", b""),
        PLAIN.of("http://h/", "POST", b"x"),
        PLAIN.of("http://h/", "GET", b"x"),
    ]
    assert len(set(made)) == len(made)
    assert PLAIN.of("http://H/#a", "POST", b"x") == PLAIN.of("http://h/", "POST", b"x")


@settings(max_examples=300)
@given(st.text("htp:/.#? %aA\u00e4&=@", max_size=20).map(lambda text: "http://h" + text))
def test_a_key_is_the_key_of_itself(url: str) -> None:
    for texts in (PLAIN, KeyTexts(CrawlRules(sort_query=True, drop_params=("a",)))):
        key = texts.of(url)
        if key is not None:
            assert texts.of(key) == key
            assert texts.of_normal(web_urls.parsed(url) or "") == key
