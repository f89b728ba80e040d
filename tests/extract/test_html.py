"""Links of HTML pages, as a browser would find them."""

from __future__ import annotations

import pytest

from fetcher.extract import html
from fetcher.extract.found import Found
from fetcher.frontier.links import Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

PAGE = "http://h/d/page.html"
WITH_ASSETS = CrawlRules(assets=True)


def read(
    body: str | bytes, rules: CrawlRules | None = None, url: str = PAGE, content_type: str = ""
) -> Found:
    data = body.encode() if isinstance(body, str) else body
    return html.read(data, url, rules or CrawlRules(), content_type=content_type or None)


def links(body: str | bytes, rules: CrawlRules | None = None, **more: str) -> list[tuple[str, str]]:
    return [(via.value, url) for url, via in read(body, rules, **more).links.items()]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<a href=x>", [("a", "http://h/d/x")]),
        ("<area href=/x>", [("area", "http://h/x")]),
        ("<iframe src=//o/x>", [("iframe", "http://o/x")]),
        ("<frameset><frame src='?q'></frameset>", [("frame", "http://h/d/page.html?q")]),
        ("<link rel='foo CANONICAL' href=x>", [("canonical", "http://h/d/x")]),
        ("<link rel=next href=x>", [("next", "http://h/d/x")]),
        ("<link rel=prev href=x>", [("prev", "http://h/d/x")]),
        ("<link rel=previous href=x>", [("prev", "http://h/d/x")]),
        ("<link rel=alternate hreflang=de href=x>", [("alternate", "http://h/d/x")]),
        ("<meta http-equiv=Refresh content='0; url=x'>", [("refresh", "http://h/d/x")]),
        ("<meta http-equiv=refresh content=\"0,URL = 'x'junk\">", [("refresh", "http://h/d/x")]),
        ("<meta http-equiv=refresh content='3 x'>", [("refresh", "http://h/d/x")]),
        ("<meta http-equiv=refresh content='3'>", []),
        ("<meta http-equiv=refresh content='3;'>", []),
        ("<svg><a xlink:href=x /></svg>", [("a", "http://h/d/x")]),
        ("<noscript><a href=x></a></noscript>", [("a", "http://h/d/x")]),
        ("<template><a href=x></a></template>", []),
        ("<!-- <a href=x> --><script>'<a href=y>'</script><textarea><a href=z></textarea>", []),
        ("<a href=><a href><a name=x><a href='#part'>", []),
        ("<a href='javascript:x'><a href='mailto:a@b'><a href='data:,x'><a href='ftp://h/x'>", []),
        ("<a href='http://[::1'><a href='http://h:99999/'>", []),
        ("<img src=i.png><link rel=stylesheet href=s.css><link rel=icon href=i.ico>", []),
    ],
)
def test_each_element_gives_its_link(body: str, expected: list[tuple[str, str]]) -> None:
    assert links(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<img src=a srcset='b 1x, c 2x'>", [("image", c) for c in "abc"]),
        ("<picture><source srcset='a 100w,b'></picture>", [("image", c) for c in "ab"]),
        ("<script src=a></script>", [("script", "a")]),
        ("<link rel=stylesheet href=a>", [("stylesheet", "a")]),
        ("<link rel='alternate stylesheet' href=a>", [("stylesheet", "a")]),
        ("<link rel='shortcut icon' href=a>", [("icon", "a")]),
        ("<link rel=preload href=a imagesrcset='b 2x'>", [("preload", "a"), ("image", "b")]),
        ("<video src=a poster=b><track src=c><source src=d></video>",
         [("media", "a"), ("image", "b"), ("media", "c"), ("media", "d")]),
        ("<audio src=a></audio>", [("media", "a")]),
        ("<embed src=a><object data=b></object>", [("embed", "a"), ("embed", "b")]),
        ("<input type=image src=a>", [("image", "a")]),
        ("<svg><image href=a /><use xlink:href='b#c' /></svg>", [("image", "a"), ("image", "b")]),
        ("<style>p { background: url(a) }</style>", [("css", "a")]),
        ("<p style='background: url(\"a\")'>", [("css", "a")]),
        ("<body background=a>", [("image", "a")]),
        ("<table background=a>", [("image", "a")]),
        ("<a href=a style='background: url(b)'>", [("a", "a"), ("css", "b")]),
    ],
)  # fmt: skip
def test_assets_are_links_where_they_are_wanted(body: str, expected: list[tuple[str, str]]) -> None:
    assert links(body, WITH_ASSETS) == [(via, f"http://h/d/{name}") for via, name in expected]
    assert all(via == "a" for via, _ in links(body))


def test_the_first_base_holds_for_the_whole_page() -> None:
    body = "<a href=x></a><base href=/b/c><base href=/other/><a href=y>"
    assert links(body) == [("a", "http://h/b/x"), ("a", "http://h/b/y")]
    assert links("<base href='//o/'><a href=x>") == [("a", "http://o/x")]
    assert links("<base href='data:,'><a href=x>") == [("a", "http://h/d/x")]
    assert links("<base target=_top><base href=/b/><a href=x>") == [("a", "http://h/b/x")]
    assert links("<svg><base href=/b/></svg><a href=x>") == [("a", "http://h/d/x")]


@pytest.mark.parametrize("text", ["", "#place"])
@pytest.mark.parametrize("more", ["", "<iframe></iframe>"])  # the <a> are plain, or not
def test_a_place_in_the_page_is_a_link_where_another_page_is_its_base(text: str, more: str) -> None:
    assert links(f"<a href='{text}'>{more}") == []
    assert links(f"<base href=page.html#other><a href='{text}'>{more}") == []
    assert links(f"<base href=/b/><a href='{text}'>{more}") == [("a", "http://h/b/")]


def test_odd_spellings_of_attributes_are_understood() -> None:
    body = "<A HREF='\n /x?a=1&amp;b=2&copy=3\t\n/y '>"
    assert links(body) == [("a", "http://h/x?a=1&b=2&copy=3/y")]
    assert links("<a href=\\x\\y>") == [("a", "http://h/x/y")]
    assert links("<a href='x y'><a href='%zz'><a href=\u00e4>") == [
        ("a", "http://h/d/x%20y"),
        ("a", "http://h/d/%zz"),
        ("a", "http://h/d/%C3%A4"),
    ]
    assert links(b"<a href='a\0b'>") == [("a", "http://h/d/a%EF%BF%BDb")]
    assert links(b"<a href='\xff'>", content_type="text/html; charset=utf-8") == [
        ("a", "http://h/d/%EF%BF%BD")
    ]


def test_a_url_is_found_once_and_where_it_stands_first() -> None:
    body = "<a href=x>1</a><iframe src=x></iframe><a href='x#part'>2</a><a href='/d/x'>3</a>"
    assert links(body) == [("a", "http://h/d/x")]


def test_links_that_must_not_be_followed_are_counted() -> None:
    body = "<a rel='external NOFOLLOW' href=x></a><a href=y></a><area rel=nofollow href=z>"
    found = read(body)
    assert found.links == {"http://h/d/y": Via.A}
    assert found.left_out == {Refusal.NOFOLLOW: 2}
    assert len(read(body, CrawlRules(nofollow=False)).links) == 3


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("<meta name=robots content='noindex, NoFollow'>", True),
        ("<meta name=ROBOTS content=none>", True),
        ("<meta name=fetcher content=nofollow>", True),
        ("<meta name=googlebot content=nofollow>", False),
        ("<meta name=robots content='noindex, max-snippet:-1'>", False),
        ("<meta name=robots content='notnofollow'>", False),
    ],
)
def test_a_page_may_ask_not_to_follow_its_links(meta: str, expected: bool) -> None:
    body = f"{meta}<a href=x></a><img src=i>".encode()
    found = html.read(body, PAGE, WITH_ASSETS, agent="Fetcher")
    assert found.is_nofollow is expected
    assert found.left_out == ({Refusal.NOFOLLOW: 1} if expected else {})
    assert found.links["http://h/d/i"] is Via.IMAGE
    assert not html.read(body, PAGE, CrawlRules(nofollow=False), agent="fetcher").is_nofollow


def test_the_headers_may_ask_not_to_follow_the_links_too() -> None:
    found = html.read(b"<a href=x>", PAGE, CrawlRules(), is_nofollow=True)
    assert (found.links, found.left_out) == ({}, {Refusal.NOFOLLOW: 1})


def test_the_title_is_read_on_request() -> None:
    body = "<svg><title>tip</title></svg><title> A &amp;\n b </title><title>other</title>"
    assert read(body, CrawlRules(title=True)).title == "A & b"
    assert read(body).title is None
    assert read("<p>", CrawlRules(title=True)).title is None
    assert read("<title></title>", CrawlRules(title=True)).title == ""
    long = read(f"<title>{'x' * 10_000}</title>", CrawlRules(title=True)).title
    assert long == "x" * html.MAX_TITLE_CHARS


def test_the_query_is_in_the_encoding_of_the_page_and_the_path_in_utf_8() -> None:
    body = "<a href='/\u043f?q=\u043f&e=\u4e2d#\u043f'>"
    russian = body.replace("\u4e2d", "&#20013;").encode("cp1251")
    expected = [("a", "http://h/%D0%BF?q=%EF&e=%26%2320013%3B")]
    assert links(russian, content_type="text/html; charset=windows-1251") == expected
    assert links(b"<meta charset=windows-1251>" + russian) == expected
    wide = body.encode("utf-16-le")
    assert links(b"\xff\xfe" + wide) == [("a", "http://h/%D0%BF?q=%D0%BF&e=%E4%B8%AD")]


def test_the_limits_of_a_page_hold_and_what_they_leave_out_is_counted() -> None:
    body = "".join(f"<a href={n}></a>" for n in range(10))
    found = read(body, CrawlRules(links_per_page=3))
    assert list(found.links) == [f"http://h/d/{n}" for n in range(3)]
    assert found.left_out == {Refusal.LINKS_PER_PAGE: 7}
    found = read(f"<a href={'x' * 100}><a href=y>", CrawlRules(url_bytes=50))
    assert list(found.links) == ["http://h/d/y"]
    assert found.left_out == {Refusal.URL_BYTES: 1}


def test_a_page_is_read_up_to_its_limit_and_said_to_be_cut() -> None:
    body = b"<a href=x>" + b" " * 2000 + b"<a href=y>"
    found = read(body, CrawlRules(parse_bytes=1024))
    assert list(found.links) == ["http://h/d/x"]
    assert found.is_cut
    assert found.fault == "only the first 1024 bytes of the page were read"
    assert not read(body).is_cut


@pytest.mark.parametrize(
    "end",
    [
        "<style>a { b: url(/name) }</style>",
        "<a href=/name>",
        "<a href='/name'>",
        "<p style='b: url(/name)'>",
        "<img srcset=/name>",
    ],
)
def test_no_link_is_the_beginning_of_one_at_which_a_page_was_cut(end: str) -> None:
    rules = CrawlRules(assets=True, parse_bytes=1024)
    start = "<style>a { b: url(/x) }</style>"
    before = start + " " * (1024 - len(start) - end.index("me"))
    assert list(read(before + end, rules).links) == ["http://h/x"]
    assert list(read(before + end, WITH_ASSETS).links) == ["http://h/x", "http://h/name"]


@pytest.mark.parametrize(
    ("hrefs", "kept"),
    [
        (["../b", "../a", "../b"], ["http://a.test/b", "http://a.test/a"]),
        (["x", "", "#y", "x#z"], ["http://a.test/d/x"]),
        (["/a", "../a", "/b"], ["http://a.test/a", "http://a.test/b"]),
    ],
)
def test_each_plain_link_is_kept_once(hrefs: list[str], kept: list[str]) -> None:
    body = "".join(f"<a href='{href}'>x</a>" for href in hrefs).encode()
    found = html.read(body, "http://a.test/d/p", CrawlRules())
    assert found.links == dict.fromkeys(kept, Via.A)
    few = html.read(body, "http://a.test/d/p", CrawlRules(links_per_page=1))
    assert list(few.links) == kept[:1]
    refused = html.read(body, "http://a.test/d/p", CrawlRules(), is_nofollow=True)
    assert (refused.links, list(refused.left_out)) == ({}, [Refusal.NOFOLLOW])
