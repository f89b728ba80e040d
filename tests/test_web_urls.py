"""The host that a URL names; the pattern for plain URLs agrees with the library."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.web_urls import Target, host_of, is_dns_name, parsed, plain, written
from support.url_standard import cases

_PIECES = """a.b x-y.example _d.e 127.0.0.1 1.2.3 0x7f 09 256.1.1.1 xn--a xn--mnchen-3ya [::1] : :80
 :443 :8080 :08 :0 :65535 :99999 / // /./ /../ /. /.. . .. %2e /%2E. ? ?? # ' %27 % %4 %41 %2f %zz ;
 = & + ~ ! $ ( ) * , @ u:p@ é 例え \\ | { } ^ ` " < > [ ] - _ --"""
_PARTS = st.sampled_from(_PIECES.split()) | st.text("abz09.-_~/?=&%:[]|{}^'", max_size=6)
_STARTS = st.sampled_from(["http://", "https://", "http://h/", "https://h.:8/", "", "\n"])


def thorough(text: str) -> Target | None:
    url = parsed(text)
    return written(url) if url else None


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(["http://", "https://", "http://h.example/", "https://h/"]), st.data())
def test_a_plain_url_is_one_that_the_standard_leaves_as_it_is(
    start: str, data: st.DataObject
) -> None:
    text = start + "".join(data.draw(st.lists(_PARTS, max_size=8)))
    target = plain(text)
    if target is not None:
        assert target == thorough(text)


@settings(deadline=None)
@given(st.lists(st.builds("{}{}".format, _STARTS, st.lists(_PARTS, max_size=5).map("".join))))
def test_the_origins_of_many_urls_are_those_of_each(texts: list[str]) -> None:
    origins = [target and target.url[: target.url.index("/", 8)] for target in map(plain, texts)]
    assert web_urls.plain_origins(texts) == [origin or "" for origin in origins]
    for text, origin in zip(texts, origins, strict=True):
        if origin:
            assert web_urls.host_of_origin(origin) == host_of(text)


@pytest.mark.parametrize(
    "texts",
    [
        ["http://h/", "http://h/a?b=c:d", "http://h/.a/b"],
        ["http://h/a", "http://h:8/a", "http://h.i/a", "https://h/a", "http://h"],
        ["http://h:80/a", "http://h:80/b"],
        ["http://H/a", "http://H/b"],
        ["//////////", "//////////"],
        ["http://h/a b", "http://h/a"],
    ],
)
def test_the_origins_of_the_links_of_one_site_are_those_of_each(texts: list[str]) -> None:
    expected = ["/".join(text.split("/")[:3]) if plain(text) else "" for text in texts]
    assert web_urls.plain_origins(texts) == expected


@pytest.mark.parametrize("text", ["", "\n", "http://h/a\nhttp://h/b", "http://h/\r", "\u2028"])
def test_texts_with_breaks_are_not_plain(text: str) -> None:
    origins = web_urls.plain_origins(["http://h:8/", text, "https://i/x"])
    assert origins == ["http://h:8", "", "https://i"]


def test_no_case_of_the_standards_own_is_plain_by_mistake() -> None:
    found = [case for case in cases() if plain(case.text) is not None]
    assert len(found) > 10
    for case in found:
        assert plain(case.text) == thorough(case.text)
        assert case.url == case.text


@pytest.mark.parametrize("char", [chr(code) for code in range(0x21, 0x7F)])
def test_each_character_of_a_plain_path_or_query_stays_as_it_is(char: str) -> None:
    for text in (f"http://h/a{char}b", f"http://h/?a{char}b"):
        if plain(text) is not None:
            assert parsed(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://www.example.org:8443/a/b.html?x=1&y=%20",
        "http://127.0.0.1:8080/~me/",
        "http://a_b.example/%7B%c3%a9?d=100%&n=caf%c3%a9",
        "https://h/a|b?{c}^`|[d]",
    ],
)
def test_the_plain_case_needs_no_library(url: str) -> None:
    assert plain(url) == thorough(url) != None  # noqa: E711


@settings(max_examples=500, deadline=None)
@given(st.lists(_PARTS, max_size=8))
def test_what_is_written_means_itself(parts: list[str]) -> None:
    target = thorough("http://h" + "".join(parts))
    if target is not None:
        assert thorough(target.url) == target


def test_a_long_url_takes_no_long_time() -> None:
    # A pattern that goes back would take for ever; this ends, whatever it says.
    began = time.process_time()
    for tail in ("%", "/.", "%41" * 1000 + "\\", "/" * 9000 + "<"):
        plain("http://h/" + "a" * 4000 + tail)
        plain("http://" + "a." * 4000 + tail)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.test:1/x", "a.test:1"),
        ("http://A.test:80/x", "a.test"),
        ("https://a.test:80", "a.test:80"),
        ("http://MÜNCHEN.test/", "xn--mnchen-3ya.test"),
        ("http:\\\\h\\x", "h"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://[0:0::1]/", "[::1]"),
        ("http://[::1]:8080/", "[::1]:8080"),
        ("http://u:p@a.test/", ""),
        ("ftp://a.test/", ""),
        ("no url", ""),
        ("//a#b", ""),
        ("http://\ud800/", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


def test_what_dns_can_hold() -> None:
    long = "a" * 63
    for name in ("a", "a.", "_a.b-", "-", long, f"{long}.{long}.{long}.{'a' * 61}."):
        assert is_dns_name(name), name
    for name in ("", ".", "a..b", ".a", f"{long}a", f"{long}.{long}.{long}.{'a' * 62}", "a!b", "A"):
        assert not is_dns_name(name), name


def test_the_library_is_asked_only_for_what_is_not_plain() -> None:
    web_urls._library.cache_clear()
    assert host_of("http://example.org/a?b") == "example.org"
    assert web_urls._library.cache_info().misses == 0


def test_the_key_of_a_target_has_the_port_only_where_it_is_unusual() -> None:
    assert Target("", "http", "h.test", 80).key == "h.test"
    assert Target("", "https", "h.test.", 80).key == "h.test:80"
    assert Target("", "https", "::1", 443).key == "[::1]"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h/", "/"),
        ("http://h/a/b?c#d", "/a/b"),
        ("http://h/a#b?c", "/a"),
        ("https://h/a;p=1", "/a;p=1"),
    ],
)
def test_the_path_of_a_url_has_neither_query_nor_fragment(url: str, path: str) -> None:
    assert web_urls.path_of(url) == path


def test_a_text_is_resolved_on_its_page_or_is_not_a_url() -> None:
    assert web_urls.resolved("http://h/a/b", "../c") == "http://h/c"
    assert web_urls.resolved("http://h/", "http://[") is None


@settings(max_examples=300, deadline=None)
@given(st.lists(_PARTS, max_size=8))
def test_is_plain_and_plain_agree(parts: list[str]) -> None:
    text = "http://h.example" + "".join(parts)
    assert web_urls.is_plain(text) == (plain(text) is not None)
