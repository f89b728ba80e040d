"""libcurl and we never read different hosts in a URL that we send: its key is the pin's key.

A difference would not lead to an address that was not judged, as libcurl may look nothing up (see
tests/fetch/transfer/test_guard_checks.py); it would make a URL impossible to fetch.
"""

# ruff: noqa: RUF001

from __future__ import annotations

import contextlib
import itertools

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.fetch.failures import Failure
from fetcher.fetch.requests_compat import prepared
from fetcher.fetch.transfer import redirects
from fetcher.fetch.urls import NoUrlError, target_of
from fetcher.settings.schema import Http
from fetcher.web_urls import Target, bracketed
from support.curl_urls import has_library, host_and_port
from support.url_standard import cases, hosts

pytestmark = pytest.mark.skipif(not has_library(), reason="pycurl contains libcurl")

LIMIT = 8192
WORDS = r"""h.test H.TEST h.test. a..b . 127.0.0.1 127.0.0.1. 127.1 2130706433 0x7f.1 0x7f000001
 0177.0.0.1 0177.1. 1.2.3 1.2.3.4.5 08.1 0x 1e3.test 256.1.1.1 [::1] [::1%25lo] [::1%lo] [1] [v1.a]
 [fe80::1%25eth0] [::ffff:127.0.0.1] [::ffff:7f00:1] [::1 ::1] a@b a:b@c a%40b %31%32%37.0.0.1
 %2e%2e a%2eb a%00b a%2fb a%5cb a\b a\@b a#@b a?@b a;b a,b a_b -a- xn--mnchen-3ya.test xn-- xn--a
 münchen.test ｍｕｎ.test 例え。テスト 😀.test １２７.0.0.1 127。0。0。1 ﹖a a／b a：80 ①.test
 ß.test faß.test ẞ.test localhost *.test {a} a|b a^b a`b "a" <a> a'b a!b a$b a&b a(b a)b a*b a+b a=b
 a~b"""
HOSTS = [*WORDS.split(), "a\u200bb", "a\u00adb", "a\u200db", "a\tb", "a b", "a\nb"]
PORTS = [
    "",
    ":",
    ":0",
    ":80",
    ":443",
    ":081",
    ":65535",
    ":65536",
    ":99999999999",
    ":a",
    ":80a",
    ":+80",
    ":8 0",
]
SCHEMES = [
    "http://",
    "https://",
    "http:",
    "http:/",
    "http:\\\\",
    "http:///",
    "HTTP://",
    "http:////\\",
]
ENDS = ["", "/", "/p", "?q", "#f", "\\p", "/@x:1", "?@x:1", "#@x:1", "/\\x", ";p", "/a:80@b"]
PIECES = [
    *HOSTS,
    *PORTS,
    *SCHEMES,
    *ENDS,
    "@",
    "u@",
    "u:p@",
    "//",
    "\\",
    "[",
    "]",
    "%",
    "%25",
    " ",
    "。",
]


def check(text: str) -> Target | None:
    """The target of the text, if it is sent; fails where libcurl reads another place in it."""
    try:
        target = target_of(text, LIMIT)
    except NoUrlError:
        return None
    agree(target)
    return target


def agree(target: Target) -> None:
    assert host_and_port(target.url) == (bracketed(target.host), target.port), target


def test_every_host_port_and_scheme_that_is_sent_is_read_alike() -> None:
    texts = map(
        "".join, itertools.product(SCHEMES, ["", "u@", "u:p@", "@"], HOSTS, PORTS, ENDS[:6])
    )
    sent = [target for text in texts if (target := check(text)) is not None]
    assert len(sent) > 1000


def test_the_standards_own_cases_are_read_alike() -> None:
    texts = [text for case in (*cases(), *hosts()) for text in (case.text, case.url) if text]
    sent = [target for text in texts if (target := check(text)) is not None]
    assert len(sent) > 300


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join))
def test_whatever_is_put_together_is_read_alike(text: str) -> None:
    check(text)
    check(f"http://{text}")


@settings(max_examples=250, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_alike(text: str) -> None:
    check(f"http://{text}/")
    check(f"https://a.test{text}")


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join))
def test_a_redirect_is_read_alike(location: str) -> None:
    source = target_of("https://user.test:81/a/b?c#d", LIMIT)
    with contextlib.suppress(Failure):
        agree(redirects.hop(source, location.encode("utf-8").decode("latin-1"), Http()))


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join))
def test_a_request_of_the_adapter_is_read_alike(text: str) -> None:
    for url in (text, f"http://{text}"):
        request = requests.PreparedRequest()
        request.url, request.method = url, "GET"  # as an auth object might change it
        with contextlib.suppress(requests.RequestException, ValueError):
            agree(prepared.target_of(request, LIMIT))
