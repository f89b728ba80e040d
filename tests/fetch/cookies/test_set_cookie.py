"""The algorithms of RFC 6265, section 5, case by case."""

from __future__ import annotations

import calendar
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.fetch.cookies.set_cookie import (
    SetCookie,
    default_path,
    domain_matches,
    parse,
    parse_date,
    path_matches,
)

NOW = 1_700_000_000.0
NINETY_FOUR = calendar.timegm((1994, 11, 6, 8, 49, 37))


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "06 Nov 1994 08:49:37",
        "1994 06 nov 8:49:37",
        "08:49:37 6 November 94 and more 1",
        "Sun,06-NOV-1994 08:49:37.123 +0200",
        "6th;Nov(1994)08:49:37",
    ],
)
def test_a_date_is_read_in_every_form_that_is_sent(text: str) -> None:
    assert parse_date(text) == NINETY_FOUR


@pytest.mark.parametrize(
    ("text", "year"),
    [("70", 1970), ("99", 1999), ("00", 2000), ("69", 2069), ("1601", 1601), ("9999", 9999)],
)
def test_a_year_of_two_digits_is_of_1970_to_2069(text: str, year: int) -> None:
    assert parse_date(f"1 Jan {text} 00:00:00") == calendar.timegm((year, 1, 1, 0, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "0",
        "1700000000",
        "Sun, 06 Nov 1994",
        "06 Nov 08:49:37",
        "Nov 1994 08:49:37",
        "06 1994 08:49:37",
        "31 Feb 1994 08:49:37",
        "00 Nov 1994 08:49:37",
        "32 Nov 1994 08:49:37",
        "06 Nov 1600 08:49:37",
        "06 Nov 19940 08:49:37",
        "06 Nov 1994 24:00:00",
        "06 Nov 1994 08:60:00",
        "06 Nov 1994 08:49:60",
        "06 Nov 1994 08:49",
        "06 Nov 1994 008:49:37",
        "٠٦ Nov 1994 08:49:37",
    ],
)
def test_text_without_a_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def said(text: str) -> SetCookie:
    cookie = parse(text, NOW)
    assert cookie is not None
    return cookie


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=1", ("a", "1")),
        (" a\t= 1 ;x", ("a", "1")),
        ("a=", ("a", "")),
        ("a=b=c=", ("a", "b=c=")),
        ('a="1; 2"', ("a", '"1')),
        ("a=1, b=2", ("a", "1, b=2")),
        ("a b=c d", ("a b", "c d")),
        ("a=\xe9", ("a", "\xe9")),
    ],
)
def test_a_name_ends_at_the_first_equals_sign_and_a_value_at_a_semicolon(
    text: str, wanted: tuple[str, str]
) -> None:
    assert said(text)[:2] == wanted


@pytest.mark.parametrize(
    "text", ["", ";", "a", "=", "=1", " =1", "a;b=1", "a=\x01", "a=1\r\nb=2", "a=" + "x" * 9000]
)
def test_a_cookie_without_name_or_with_controls_is_none(text: str) -> None:
    assert parse(text, NOW) is None


@pytest.mark.parametrize(
    ("attributes", "expires"),
    [
        ("Max-Age=10", NOW + 10),
        ("max-AGE = 10 ", NOW + 10),
        ("Max-Age=0", 0.0),
        ("Max-Age=-10", 0.0),
        ("Max-Age=" + "9" * 5000, 1e11),
        ("Max-Age=1.5", None),
        ('Max-Age="10"', None),
        ("Max-Age=+10", None),
        ("Max-Age=", None),
        ("Max-Age", None),
        ("Max-Age=10; Max-Age=x", NOW + 10),
        ("Max-Age=10; Max-Age=20", NOW + 20),
        ("Expires=Sun, 06 Nov 1994 08:49:37 GMT", NINETY_FOUR),
        ("Expires=never", None),
        ("Expires=06 Nov 94 08:49:37; Expires=x", NINETY_FOUR),
        ("Max-Age=10; Expires=06 Nov 94 08:49:37", NOW + 10),
        ("Max-Age=x; Expires=06 Nov 94 08:49:37", NINETY_FOUR),
    ],
)
def test_max_age_goes_before_expires_and_what_is_invalid_is_ignored(
    attributes: str, expires: float | None
) -> None:
    assert said(f"a=1; {attributes}").expires == expires


@pytest.mark.parametrize(
    ("attributes", "domain", "path", "secure"),
    [
        ("Domain=A.test", "a.test", None, False),
        ("domain = .a.test", "a.test", None, False),
        ("Domain=..a.test", ".a.test", None, False),
        ("Domain=", "", None, False),
        ("Domain=a.test; Domain=", "a.test", None, False),
        ("Domain=a.test; Domain=b.test", "b.test", None, False),
        ("Path=/x", "", "/x", False),
        ("Path=x", "", None, False),
        ('Path="/x"', "", None, False),
        ("Path=/x; Path=", "", None, False),
        ("Path=/x=y", "", "/x=y", False),
        ("SECURE", "", None, True),
        ("Secure=false", "", None, True),
        ('NotSecure; Version=1; Port="80"; ;=;', "", None, False),
    ],
)
def test_attributes_are_taken_in_any_case_and_the_last_holds(
    attributes: str, domain: str, path: str | None, secure: bool
) -> None:
    cookie = said(f"a=1; {attributes}")
    assert (cookie.domain, cookie.path, cookie.secure) == (domain, path, secure)


@pytest.mark.parametrize(
    ("url_path", "path"),
    [("", "/"), ("/", "/"), ("x", "/"), ("/x", "/"), ("/x/", "/x"), ("/x/y", "/x"), ("//", "/")],
)
def test_the_default_path_is_that_of_the_directory(url_path: str, path: str) -> None:
    assert default_path(url_path) == path


@pytest.mark.parametrize(
    ("url_path", "path", "fits"),
    [
        ("/", "/", True),
        ("/x", "/", True),
        ("/x", "/x", True),
        ("/x/y", "/x", True),
        ("/x/y", "/x/", True),
        ("/xy", "/x", False),
        ("/x", "/x/", False),
        ("/X", "/x", False),
    ],
)
def test_a_path_matches_at_its_slashes(url_path: str, path: str, fits: bool) -> None:
    assert path_matches(url_path, path) is fits


@pytest.mark.parametrize(
    ("host", "domain", "fits"),
    [
        ("a.test", "a.test", True),
        ("b.a.test", "a.test", True),
        ("ba.test", "a.test", False),
        ("a.test", "b.a.test", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "0.0.1", False),
        ("::1", "1", False),
    ],
)
def test_a_domain_matches_at_its_dots_and_an_address_as_a_whole(
    host: str, domain: str, fits: bool
) -> None:
    assert domain_matches(host, domain) is fits


@given(st.text(st.characters(max_codepoint=255), max_size=100))
def test_nothing_that_a_server_sends_raises(text: str) -> None:
    parse_date(text)
    cookie = parse(f"a=1; Expires={text}; Max-Age={text}; {text}", NOW)
    assert cookie is None or cookie.name == "a"


def test_the_suffix_list_is_not_read_before_a_cookie_needs_it() -> None:
    program = (
        "import sys; from fetcher.fetch.cookies.jar import Cookies; chain = Cookies().chain();"
        "chain.absorb('http://a.test/', [('Set-Cookie', 'a=1')]);"
        "assert 'publicsuffixlist' not in sys.modules;"
        "chain.absorb('http://a.test/', [('Set-Cookie', 'a=1; Domain=a.test')]);"
        "assert 'publicsuffixlist' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
