"""Which cookies go where, and that none leaves its chain."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.fetch.cookies import file
from fetcher.fetch.cookies.jar import Chain, Cookies

LATER = str(int(time.time()) + 100_000)
FILE = f"""# Netscape HTTP Cookie File

.example.com\tTRUE\t/\tFALSE\t0\tall\t1
example.com\tFALSE\t/\tFALSE\t{LATER}\thost\t2
#HttpOnly_.example.com\tTRUE\t/\tFALSE\t{LATER}.5\thidden\t3
www.example.com\tTRUE\t/deep\tFALSE\t0\tdeep\t4
.example.com\tTRUE\t/\tTRUE\t0\tsafe\t5
.example.com\tTRUE\t/\tFALSE\t946684800\told\t6
localhost\tFALSE\t/\tFALSE\t0\tlocal\t7
127.0.0.1\tFALSE\t/\tFALSE\t0\taddress\t8
.other.test\tTRUE\t/\tFALSE\t0\t\tnameless\r
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Cookies:
    path = tmp_path / "cookies.txt"
    path.write_bytes(FILE.encode())
    return file.load(path)


def names(header: str | None) -> set[str]:
    return {pair.partition("=")[0] for pair in (header or "").split("; ") if pair}


def after(url: str, *set_cookies: str, base: Cookies | None = None) -> Chain:
    chain = (base or Cookies()).chain()
    chain.absorb(url, [("Content-Type", "x"), *(("Set-Cookie", text) for text in set_cookies)])
    return chain


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://example.com/", {"all", "host", "hidden"}),
        ("https://example.com/", {"all", "host", "hidden", "safe"}),
        ("http://EXAMPLE.com:8080/", {"all", "host", "hidden"}),
        ("http://www.example.com/", {"all", "hidden"}),
        ("http://www.example.com/deep/er", {"all", "hidden", "deep"}),
        ("http://www.example.com/deeper", {"all", "hidden"}),
        ("http://a.www.example.com/deep", {"all", "hidden", "deep"}),
        ("http://notexample.com/", set()),
        ("http://example.com.evil.test/", set()),
        ("http://com/", set()),
        ("http://localhost:8000/", {"local"}),
        ("http://127.0.0.1/", {"address"}),
        ("http://1.127.0.0.1/", set()),
        ("http://a.other.test/", {"nameless"}),
        ("http://[::1]/", set()),
    ],
)
def test_a_files_cookie_goes_where_it_belongs(loaded: Cookies, url: str, wanted: set[str]) -> None:
    assert names(loaded.header_for(url)) == wanted
    assert names(loaded.chain().header_for(url)) == wanted


def test_a_header_is_name_and_value_and_the_longest_path_comes_first(loaded: Cookies) -> None:
    header = loaded.header_for("http://www.example.com/deep")
    assert header is not None
    assert header.startswith("deep=4; ")
    assert loaded.header_for("http://other.test/") == "nameless"


def test_without_a_file_there_is_none() -> None:
    assert Cookies().header_for("http://a.test/") is None
    chain = Cookies().chain()
    chain.absorb("http://a.test/", [("Content-Type", "text/html")])
    assert chain.header_for("http://a.test/") is None


# -- what servers set ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "goes_to", "stays_from"),
    [
        ("a=1", "http://www.a.test/x", "http://b.www.a.test/"),
        ("a=1; Domain=a.test", "http://b.a.test/", "http://b.test/"),
        ("a=1; Domain=.a.test", "http://a.test/", "http://ba.test/"),
        ("a=1; Path=/p", "http://www.a.test/p/q", "http://www.a.test/"),
        ("a=1; Secure", "https://www.a.test/", "http://www.a.test/"),
        ("a=1; Max-Age=1000", "http://www.a.test/", "http://a.test/"),
        ("a=1; HttpOnly; SameSite=Strict", "http://www.a.test/", "http://c.test/"),
        ('a=1; Path="/p"', "http://www.a.test/", "http://a.test/"),
        ("a=1; Max-Age=soon", "http://www.a.test/", "http://a.test/"),
        ("a=1; Max-Age=0; Max-Age=5", "http://www.a.test/", "http://a.test/"),
        (
            "a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "http://www.a.test/",
            "http://b/",
        ),
        ("a=1; Domain=", "http://www.a.test/", "http://b.www.a.test/"),
        ("a=1; Domain=.", "http://www.a.test/", "http://b.www.a.test/"),
        ("a=1; DOMAIN=A.Test", "http://b.a.test/", "http://b.test/"),
        ("a=1; Domain=b.test; Domain=a.test", "http://b.a.test/", "http://b.test/"),
    ],
)
def test_a_set_cookie_goes_where_it_belongs(text: str, goes_to: str, stays_from: str) -> None:
    chain = after("http://www.a.test/", text)
    assert chain.header_for(goes_to) == "a=1"
    assert chain.header_for(stays_from) is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://a.test/", "a=1; Domain=test"),
        ("http://a.co.uk/", "a=1; Domain=co.uk"),
        ("http://a.test/", "a=1; Domain=b.test"),
        ("http://a.test/", "a=1; Domain=www.a.test"),
        ("http://127.0.0.1/", "a=1; Domain=.0.1"),
        ("http://127.0.0.1/", "a=1; Domain=.0.0.1"),
        ("http://a.b.test/", "a=1; Domain=..b.test"),
        ("http://a.co.uk/", "a=1; Domain=.co.uk"),
        ("http://a.test/", "a=1; Max-Age=0"),
        ("http://a.test/", "a=1; Max-Age=-1"),
        ("http://a.test/", "a=1; Max-Age=-" + "9" * 5000),
        ("http://a.test/", "a=1; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT"),
        ("http://a.test/", "a=1; Expires=Sun 01-Jan-70 00:00:01 UTC"),
        ("http://a.test/", "a"),
        ("http://a.test/", "=a"),
        ("http://a.test/", " =a=b"),
        ("http://a.test/", "__Secure-a=1; Secure"),
        ("https://a.test/", "__Secure-a=1"),
        ("https://a.test/", "__host-a=1; Secure"),
        ("https://a.test/", "__Host-a=1; Secure; Path=/; Domain=a.test"),
        ("http://a.test/", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("http://a.test/", "a=\x01"),
        ("http://a.test/", "a=" + "x" * 9000),
        ("http://a.test/", ""),
    ],
)
def test_what_no_browser_would_keep_is_not_kept(url: str, text: str) -> None:
    chain = after(url, text)
    for other in (url, "http://b.co.uk/", "http://b.test/", "http://10.0.0.1/", "http://test/"):
        assert chain.header_for(other) is None


@pytest.mark.parametrize(
    ("host", "suffix"),
    [
        ("one.github.io", "github.io"),
        ("one.s3.amazonaws.com", "s3.amazonaws.com"),
        ("one.two.kawasaki.jp", "two.kawasaki.jp"),
        ("one.two.kawasaki.jp", "kawasaki.jp"),
        ("one.co.uk", "uk"),
        ("one.xn--mgba3a4f16a", "xn--mgba3a4f16a"),
        ("one.unknown", "unknown"),
    ],
)
def test_a_cookie_never_reaches_siblings_below_a_public_suffix(host: str, suffix: str) -> None:
    chain = after(f"http://{host}/", f"a=1; Domain={suffix}", f"b=1; Domain=.{suffix}")
    for other in (host, f"other.{suffix}", suffix):
        assert chain.header_for(f"http://{other}/") is None
    assert after(f"http://{host}/", f"c=1; Domain={host}").header_for(f"http://x.{host}/") == "c=1"


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", ".127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]", "::1"),
        ("localhost", "localhost"),
        ("localhost", ".LocalHost"),
        ("github.io", "github.io"),
        ("intranet", "intranet"),
    ],
)
def test_a_domain_that_is_the_hosts_own_and_has_none_below_is_as_if_not_there(
    host: str, domain: str
) -> None:
    chain = after(f"http://{host}:8080/", f"a=1; Domain={domain}")
    assert chain.header_for(f"http://{host}/") == "a=1"
    if ":" not in host:
        assert chain.header_for(f"http://x.{host}/") is None


def test_a_domain_in_other_letters_is_that_of_its_host() -> None:
    name = "bücher.test".encode().decode("latin-1")
    chain = after("http://www.xn--bcher-kva.test/", f"a=1; Domain={name}")
    assert chain.header_for("http://xn--bcher-kva.test/") == "a=1"
    assert after("http://a.test/", "a=1; Domain=\xff.test").header_for("http://a.test/") is None


def test_prefixed_names_are_kept_where_they_keep_their_promise() -> None:
    chain = after(
        "https://a.test/x/y", "__Host-a=1; Secure; Path=/", "__secure-b=2; Secure; Domain=a.test"
    )
    assert chain.header_for("https://a.test/x/") == "__secure-b=2; __Host-a=1"
    assert chain.header_for("https://b.a.test/x/") == "__secure-b=2"


def test_names_values_and_their_order_are_as_they_were_sent() -> None:
    sent = ['q="a b"', " s = x=y== ", "e=", "T=1;T=2", "p=1; Path=/d", "P=2; path=/d/"]
    chain = after("http://a.test/d/page", *sent)
    assert chain.header_for("http://a.test/d/") == 'P=2; q="a b"; s=x=y==; e=; T=1; p=1'
    assert chain.header_for("http://a.test/dd") is None


def test_a_cookie_that_was_set_again_keeps_its_age() -> None:
    chain = after("http://a.test/", "a=1", "b=1", "a=2", "a=3; Domain=a.test")
    assert chain.header_for("http://a.test/") == "a=2; b=1; a=3"


def test_a_later_cookie_of_the_same_name_takes_the_place_of_the_first() -> None:
    chain = after("http://a.test/", "a=1", "b=1")
    chain.absorb("http://a.test/", [("set-COOKIE", "a=2")])
    assert names(chain.header_for("http://a.test/")) == {"a", "b"}
    assert "a=2" in str(chain.header_for("http://a.test/"))


def test_nothing_of_a_chain_is_seen_by_another(loaded: Cookies) -> None:
    chain = after("http://example.com/", "all=9; Domain=example.com", "new=1", base=loaded)
    assert "all=9" in str(chain.header_for("http://example.com/"))
    assert names(chain.header_for("http://example.com/")) >= {"all", "new", "host"}
    assert "all=1" in str(loaded.header_for("http://example.com/"))
    assert "new" not in names(loaded.chain().header_for("http://example.com/"))


def test_a_files_cookie_that_a_server_takes_back_stays_away_in_that_chain_only(
    loaded: Cookies,
) -> None:
    chain = after("http://example.com/", "all=; Domain=example.com; Max-Age=0", base=loaded)
    for url in ("http://example.com/", "http://www.example.com/", "http://b.example.com/"):
        assert "all" not in names(chain.header_for(url))
        assert "all" in names(loaded.header_for(url))


@given(
    st.text(st.characters(max_codepoint=255), max_size=80),
    st.sampled_from(["a.test", "a", "[::1]"]),
)
def test_no_set_cookie_of_any_text_raises(text: str, host: str) -> None:
    chain = after(f"http://{host}/", text, f"a=1; {text}")
    header = chain.header_for(f"http://{host}/")
    assert header is None or "\n" not in header
