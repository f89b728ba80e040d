"""What is a URL, and that the quick way of telling is the same as the thorough one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.net import urls
from fetcher.net.urls import NoUrlError, Target, host_key, target_of

LIMIT = 8192
_PIECES = """http:// https:// HTTP:// a.b x-y.example _d.e 127.0.0.1 [::1] :80 :8080 :0 :99999 / //
 /./ /../ .. . ? #
 % %41 %2f %2F %7E %20 %zz ; = & + ~ ! $ ' ( ) * , @ u:p@ é 例え \\ | { } ^ ` " < >"""
_PARTS = st.sampled_from(_PIECES.split())


def whole(url: str) -> Target | str:
    """What the thorough way makes of it."""
    try:
        return urls._prepared(url, LIMIT)
    except NoUrlError as error:
        return str(error)


def quick(url: str) -> Target | str:
    try:
        return target_of(url, LIMIT)
    except NoUrlError as error:
        return str(error)


@settings(max_examples=2000, deadline=None)
@given(st.lists(_PARTS | st.text("abz09.-_~/?=&%:", max_size=6), max_size=8))
def test_the_quick_way_is_the_thorough_one(parts: list[str]) -> None:
    url = "http://h.example" + "".join(parts)
    assert quick(url) == whole(url)


@settings(max_examples=1000, deadline=None)
@given(st.lists(_PARTS, max_size=8))
def test_anything_is_a_target_or_a_reason(parts: list[str]) -> None:
    assert quick("".join(parts)) == whole("".join(parts))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://www.example.org:8443/a/b.html?x=1&y=%20",
        "http://127.0.0.1/~me/",
        "http://a_b.example/%7B",
    ],
)
def test_the_plain_case_is_quick(url: str) -> None:
    assert urls._PLAIN.fullmatch(url)
    assert quick(url) == whole(url)


def test_a_host_name_that_no_resolver_takes_is_no_url() -> None:
    for host in ("a." * 130 + "b", "a" * 64, "a..b"):
        assert isinstance(quick(f"http://{host}/"), str), host


def test_a_long_url_takes_no_long_time() -> None:
    # A pattern that goes back would take for ever; this ends, whatever it says.
    for tail in ("%", "/.", "%41" * 1000 + "\\"):
        assert quick("http://h/" + "a" * 4000 + tail) is not None


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://Example.org/a", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("http://example.org:8080/", "example.org:8080"),
        ("ftp://example.org/", ""),
        ("nonsense", ""),
    ],
)
def test_http_and_https_of_a_host_are_one(url: str, key: str) -> None:
    assert host_key(url, LIMIT) == key
