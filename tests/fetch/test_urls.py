"""Which texts are URLs, their hosts, what is sent for them, and why others are refused."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.fetch.cookies.jar import Cookies
from fetcher.fetch.failures import Failure
from fetcher.fetch.requests_compat import prepared
from fetcher.fetch.transfer import redirects
from fetcher.fetch.urls import NoUrlError, host_key, origin, request_target, target_of, why_none
from fetcher.politeness.robots_rules import RobotsTxt
from fetcher.settings.schema import Http
from fetcher.web_urls import Target, host_of

LIMIT = 8192
_PIECES = """http:// https:// HTTP:// http: a.b x-y.example _d.e 127.0.0.1 [::1] :80 :8080 :0 :99999
 / // /./ /../ .. . ? # % %41 %2f %2F %7E %20 %zz ; = & + ~ ! $ ' ( ) * , @ u:p@ é 例え \\ | { } ^ `
 " < > \ud800 \x00 \t"""
_PARTS = st.sampled_from(_PIECES.split(" "))

# A URL, and the host and request target that are sent for it.
SENT = [
    ("http://h/x?discount=100%&n=caf%c3%a9", "h", "/x?discount=100%&n=caf%c3%a9"),
    ("http://h/?q=%u4e2d", "h", "/?q=%u4e2d"),
    ("http://h/%E0%A4%A", "h", "/%E0%A4%A"),
    ("http://h/a/%2e%2e/b", "h", "/b"),
    ("http://h/a/.%2E/./b/..", "h", "/"),
    ("http:\\\\h\\a\\b", "h", "/a/b"),
    ("http:///h/x", "h", "/x"),
    ("http:h/x", "h", "/x"),
    ("http://h/a b", "h", "/a%20b"),
    ("  http://h/a  ", "h", "/a"),
    ("http://h/1 # words", "h", "/1%20"),
    ("HTTP://H:80/?x=ü#frag", "h", "/?x=%C3%BC"),
    ("http://h?x", "h", "/?x"),
    ("http://h/x?", "h", "/x?"),
    ("http://h/?a'b\"<>#'", "h", "/?a%27b%22%3C%3E"),
    ("http://h/a'b|{c}^`[d]", "h", "/a'b|%7Bc%7D%5E%60[d]"),
    ("http://münchen.test/", "xn--mnchen-3ya.test", "/"),
    ("http://mu\u0308nchen.test/", "xn--mnchen-3ya.test", "/"),
    ("http://mün\u00adchen.test/", "xn--mnchen-3ya.test", "/"),
    ("http://mün\u200bchen.test/", "xn--mnchen-3ya.test", "/"),
    ("http://ｍｕｎ.test/", "mun.test", "/"),  # noqa: RUF001
    ("http://例え。テスト/", "xn--r8jz45g.xn--zckzah", "/"),
    ("http://😀.test/", "xn--e28h.test", "/"),
    ("http://faß.test/", "xn--fa-hia.test", "/"),
    ("http://%41.test/", "a.test", "/"),
    ("http://h.test./", "h.test.", "/"),
    ("http://@h/", "h", "/"),
]


@pytest.mark.parametrize(("url", "host", "sent"), SENT)
def test_what_is_sent_is_what_a_browser_sends(url: str, host: str, sent: str) -> None:
    target = target_of(url, LIMIT)
    assert (target.host, request_target(target.url)) == (host, sent)


# Notations of addresses, and what they mean.
ADDRESSES = [
    ("127.0.0.1.", "127.0.0.1"),
    ("2130706433", "127.0.0.1"),
    ("0x7f.1", "127.0.0.1"),
    ("0X7F000001", "127.0.0.1"),
    ("0", "0.0.0.0"),
    ("0x", "0.0.0.0"),
    ("017700000001", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"),
    ("127.1", "127.0.0.1"),
    ("127.0.1", "127.0.0.1"),
    ("10.65535", "10.0.255.255"),
    ("4294967295", "255.255.255.255"),
    ("%31%32%37.1", "127.0.0.1"),
    ("１２７.０.０.１", "127.0.0.1"),  # noqa: RUF001
    ("127。0。0。1", "127.0.0.1"),
    ("127｡1", "127.0.0.1"),
    ("①②⑦.1", "127.0.0.1"),
    ("[0:0:0:0:0:0:0:1]", "::1"),
    ("[::FFFF:127.0.0.1]", "::ffff:7f00:1"),
    ("[2001:DB8::A]", "2001:db8::a"),
]
# What is neither an address nor a name.
NO_HOSTS = """256.0.0.1 1.2.3.256 4294967296 1.2.3.4.5 08 1.09 1..2 127.0.0.1.. [::1 [::g]
 [127.0.0.1] [v1.x:y] [fe80::1%25eth0] %ff%fe % a%00b a|b a^b"""


@pytest.mark.parametrize(("host", "address"), ADDRESSES)
def test_an_address_in_any_notation_is_that_address(host: str, address: str) -> None:
    assert target_of(f"http://{host}/", LIMIT).host == address


@pytest.mark.parametrize("host", NO_HOSTS.split())
def test_a_text_that_looks_like_an_address_but_is_invalid_is_refused(host: str) -> None:
    with pytest.raises(NoUrlError):
        target_of(f"http://{host}/", LIMIT)


@given(st.from_regex(r"\A(0x[0-9a-f]{0,9}|[0-9]{1,11})(\.(0x[0-9a-f]{1,3}|[0-9]{1,4})){0,3}\Z"))
def test_an_ipv4_notation_means_what_the_system_takes_it_for(host: str) -> None:
    try:
        system = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return
    assert target_of(f"http://{host}/", LIMIT).host == system


@settings(max_examples=500, deadline=None)
@given(st.lists(_PARTS | st.text(max_size=4), max_size=8))
def test_anything_is_a_target_or_a_reason_and_a_target_means_itself(parts: list[str]) -> None:
    try:
        target = target_of("http://h.example" + "".join(parts), LIMIT)
    except NoUrlError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert target_of(target.url, LIMIT) == target
        assert target.url.isascii()
        assert f"{origin(target)}{request_target(target.url)}" == target.url.partition("#")[0]


ROBOTS = RobotsTxt(b"User-agent: *\nDisallow: /a*b$\nAllow: /%7e\nDisallow: /?[x\n", "fetcher")


@settings(max_examples=500, deadline=None)
@given(st.lists(_PARTS, max_size=8))
def test_all_that_look_at_a_url_see_the_host_of_its_target(parts: list[str]) -> None:
    try:
        target = target_of("http://" + "".join(parts), LIMIT)
    except NoUrlError:
        return
    seen = urlsplit(target.url)
    assert (seen.scheme, seen.hostname) == (target.scheme, target.host)
    assert (seen.port or {"http": 80, "https": 443}[seen.scheme]) == target.port
    assert host_key(target.url, LIMIT) == host_of("".join(["http://", *parts])) == target.key
    chain = Cookies().chain()
    chain.absorb(target.url, [("Set-Cookie", "a=1")])
    assert chain.header_for(f"{origin(target)}/") in {"a=1", None}
    assert ROBOTS.allows(target.url) in {True, False}


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=30))
def test_any_text_has_a_reason(text: str) -> None:
    assert 0 < len(why_none(text)) < 300


def test_a_reason_is_short_whatever_the_text() -> None:
    for text in (
        "s" * 8000 + "://x",
        "http://" + "h" * 8000,
        "http://" + "é|" * 3000,
        "http://h:" + "9" * 8000,
    ):
        with pytest.raises(NoUrlError) as caught:
            target_of(text, 32_768)
        assert len(str(caught.value)) < 300
        source = target_of("http://h/", LIMIT)
        with pytest.raises(Failure) as failed:
            redirects.hop(source, text.encode().decode("latin-1"), Http(max_url_bytes=32_768))
        assert len(failed.value.message) < 300


def test_a_host_name_that_no_resolver_takes_is_refused() -> None:
    for host in ("a." * 130 + "b", "a" * 64, "a..b", "a!b"):
        with pytest.raises(NoUrlError, match="host name"):
            target_of(f"http://{host}/", LIMIT)


def test_the_limit_holds_for_the_text_and_for_what_is_sent() -> None:
    assert target_of("http://h/" + "a" * 91, 100)
    for path in ("a" * 92, "é" * 40):
        with pytest.raises(NoUrlError, match="max_url_bytes"):
            target_of(f"http://h/{path}", 100)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://Example.org/a", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("http://example.org:8080/", "example.org:8080"),
        ("http://exämple.org/", "xn--exmple-cua.org"),
        ("http://[0::1]/", "[::1]"),
        ("http://example.org./", "example.org"),
        ("http://example.org.:81/", "example.org:81"),
        ("ftp://example.org/", ""),
        ("nonsense", ""),
    ],
)
def test_http_and_https_of_a_host_are_one(url: str, key: str) -> None:
    assert host_key(url, LIMIT) == key


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://H/a'b?c='d'#e", Target("http://h/a'b?c='d'", "http", "h", 80)),
        ("http://h:81/%7e/./x", Target("http://h:81/%7e/./x", "http", "h", 81)),
        ("http://0x7f.1/x", Target("http://127.0.0.1/x", "http", "127.0.0.1", 80)),
        ("http://h/a b", Target("http://h/a%20b", "http", "h", 80)),
        ("http://h?x", Target("http://h/?x", "http", "h", 80)),
    ],
)
def test_what_requests_has_prepared_is_sent_as_it_is(url: str, target: Target) -> None:
    request = requests.PreparedRequest()
    request.url = url
    assert prepared.target_of(request, LIMIT) == target


def test_an_ipv6_address_without_its_bracket_is_shown_as_a_whole() -> None:
    assert why_none("http://[::1").message == "'[::1' is not an IPv6 address: its ] is missing"
    assert "'[::g]' is not an IPv6 address" in why_none("http://[::g]:80/").message
