"""Links of a row: of its page, its redirect, its site's sitemaps and its handler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.extract import page
from fetcher.frontier.links import Link, LinkRequest
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.model import Found, Outcome, Result, Task
from fetcher.protocol import links as wire
from fetcher.roles.worker import page_reader
from fetcher.roles.worker.lines import Line
from fetcher.roles.worker.page_reader import PageReader
from fetcher.settings.schema import Settings

URL = "http://a.test/dir/page"
TASK = Task(3, URL, found=Found(1, 1, "a"))
SEED = Task(1, URL, found=Found())
ROW = Result(3, URL, Outcome.OK, 200, URL, sha256="0" * 64)
HTML = [("Content-Type", "text/html")]
ROW = replace(ROW, headers=HTML, content_type="text/html")
BODY = b'<title>T</title><a href="next?b=1&a=2#x">n</a><img src=i.png><a rel=nofollow href=/no>'
SITEMAP = b"<urlset><url><loc>http://a.test/one</loc></url></urlset>"


def line(task: Task = TASK) -> Line:
    return Line(cast(Any, None), task, "")


def no_wait(*_: object) -> None:
    raise AssertionError("none of these pages is long")


def reader(named: Sequence[str] = (), **rules: Any) -> PageReader:
    """`named`: the sitemaps that robots.txt names."""
    return PageReader(CrawlRules(**rules), Settings(), lambda _: named, no_wait)


def read(
    of: PageReader,
    row: Result = ROW,
    body: bytes | None = BODY,
    task: Task = TASK,
    handled: Sequence[Link] = (),
) -> tuple[Result, wire.PageLinks]:
    row, found = of.read(row, line(task), body)
    packed = of.pack(row, task, found, handled)
    return row, wire.decode(packed) if packed else wire.PageLinks(())


def urls(links: wire.PageLinks) -> list[tuple[str, str]]:
    return [(link.via, link.url) for link in links.links]


def test_the_links_of_a_page_are_absolute_and_refusals_of_the_page_are_counted() -> None:
    row, links = read(reader())
    assert links.links == (Link("http://a.test/dir/next?b=1&a=2"),)
    assert links.left_out == {Refusal.NOFOLLOW: 1}
    assert row == ROW, "a row has no title unless it is asked for"
    row, links = read(reader(title=True, assets=True, nofollow=False))
    assert row.title == "T"
    assert [via for via, _ in urls(links)] == ["a", "image", "a"]


def test_a_key_travels_where_it_differs_from_the_url() -> None:
    _, links = read(reader(sort_query=True))
    assert links.links[0].key == "http://a.test/dir/next?a=2&b=1"


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, outcome=Outcome.HTTP_ERROR, status=404),
        replace(ROW, content_type="application/pdf"),
    ],
)
def test_only_good_answers_that_are_pages_are_read(row: Result) -> None:
    assert read(reader(), row)[1] == wire.PageLinks(())
    assert read(reader(), ROW, None)[1] == wire.PageLinks(()), "half a page"


def test_a_page_that_cannot_be_read_keeps_its_row_which_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RecursionError("too\ndeep")

    monkeypatch.setattr(page, "read", fails)
    row, links = read(reader())
    assert (row.outcome, row.error) == (Outcome.OK, "its links: RecursionError: too deep")
    assert links == wire.PageLinks(())


def test_a_page_that_is_too_long_is_read_up_to_the_limit_and_its_row_says_so() -> None:
    body = b"<a href=/first>" + b" " * 2000 + b"<a href=/last>"
    row, links = read(reader(parse_bytes=1024), body=body)
    assert urls(links) == [("a", "http://a.test/first")]
    assert row.error == "its links: only the first 1024 bytes of the page were read"


def test_the_target_of_a_redirect_is_a_link_and_nothing_else_is_read() -> None:
    row = replace(ROW, status=301, location="http://b.test/", sha256=None)
    assert read(reader(), row)[1].links == (Link("http://b.test/", "redirect"),)


def test_a_redirect_keeps_method_body_headers_id_and_route_as_where_it_is_followed() -> None:
    task = replace(
        TASK, method="POST", headers=(("X-Key", "s"), ("Accept", "*/*")), body=b"q", id=7, route="r"
    )

    def request(status: int, location: str) -> LinkRequest | None:
        row = replace(ROW, status=status, location=location, sha256=None)
        return read(reader(), row, None, task)[1].links[0].request

    assert request(307, "http://a.test/x") == LinkRequest("POST", "r", task.headers, b"q", 7)
    assert request(303, "http://a.test/x") == LinkRequest("GET", "r", task.headers, None, 7)
    elsewhere = LinkRequest("POST", "r", (("Accept", "*/*"),), b"q", 7)
    assert request(308, "http://b.test/x") == elsewhere, "no secret goes to another origin"


def sitemaps(of: PageReader, row: Result, task: Task) -> list[str]:
    return [url for via, url in urls(read(of, row, None, task)[1]) if via == "sitemap"]


def test_only_seeds_that_were_answered_propose_sitemaps() -> None:
    of = reader(sitemaps=True)
    usual = ["http://a.test/sitemap.xml"]
    assert sitemaps(of, ROW, SEED) == usual
    moved_to = Task(2, URL, found=Found(0, 1, "redirect", 1))
    assert sitemaps(of, ROW, moved_to) == usual
    assert sitemaps(of, replace(ROW, outcome=Outcome.HTTP_ERROR), SEED) == usual
    assert sitemaps(of, ROW, TASK) == []
    assert sitemaps(of, replace(ROW, location="http://b.test/"), SEED) == []
    assert sitemaps(of, replace(ROW, outcome=Outcome.DNS), SEED) == []
    assert sitemaps(reader(), ROW, SEED) == []
    named = ["/maps/1.xml", "HTTP://a.test/2.xml#x", "no url:", "ftp://a.test/3.xml"]
    of = reader(named, sitemaps=True)
    assert sitemaps(of, ROW, SEED)[:2] == ["http://a.test/maps/1.xml", "http://a.test/2.xml"]


def test_an_unchanged_page_has_its_links_again_and_new_sitemaps() -> None:
    links = [Link("http://a.test/1"), Link("http://a.test/old.xml", "sitemap")]
    of = reader(["/old.xml", "/new.xml"], sitemaps=True)
    packed = wire.decode(of.pack_again(ROW, SEED, links))
    assert urls(packed) == [
        ("sitemap", "http://a.test/new.xml"),
        ("a", "http://a.test/1"),
        ("sitemap", "http://a.test/old.xml"),
    ]
    assert wire.decode(reader().pack_again(ROW, SEED, links)).links == tuple(links)


def test_a_sitemap_is_read_where_a_link_or_a_seed_says_that_it_is_one() -> None:
    xml = replace(ROW, content_type="application/xml")
    listed = [("listed", "http://a.test/one")]
    found = Task(3, URL, found=Found(0, 1, "sitemap", 1))
    assert urls(read(reader(), xml, SITEMAP, found)[1]) == listed
    assert urls(read(reader(), xml, SITEMAP, SEED)[1]) == listed
    assert read(reader(), xml, SITEMAP)[1].links == ()
    named = replace(ROW, url="http://a.test/map.xml.gz", content_type="application/gzip")
    assert urls(read(reader(), named, SITEMAP, SEED)[1]) == listed
    page_at_xml = replace(named, content_type="text/html")
    assert read(reader(), page_at_xml, BODY, SEED)[1].links != ()


def test_links_of_the_handler_come_first_and_may_be_all() -> None:
    handled = [Link("http://a.test/h", "handler")]
    _, links = read(reader(sitemaps=True), task=SEED, handled=handled)
    assert [via for via, _ in urls(links)] == ["sitemap", "handler", "a"]
    _, links = read(reader(page_links=False), handled=handled)
    assert (links.links, links.left_out) == (tuple(handled), {})


def test_links_that_no_message_takes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_reader, "_MAX_LINK_BYTES", 300)
    handled = [Link(f"http://a.test/{number}", "handler") for number in range(9)]
    _, links = read(reader(page_links=False), handled=handled)
    assert 0 < len(links.links) < 9
    assert links.left_out == {Refusal.LINKS_PER_PAGE: 9 - len(links.links)}


def test_as_many_long_urls_are_sent_as_a_message_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    page_links = [Link(f"http://a.test/{'x' * 300}{number}", "handler") for number in range(9)]
    monkeypatch.setattr(page_reader, "_MAX_LINK_BYTES", 9 * 350)
    _, links = read(reader(page_links=False), handled=page_links)
    assert (len(links.links), links.left_out) == (9, {})


def test_two_urls_are_one_page_if_their_keys_are_the_same() -> None:
    crawling = reader(sort_query=True).crawling
    assert crawling.is_same_page("http://A.test/?b&a#x", "http://a.test/?a&b")
    assert not crawling.is_same_page("http://a.test/", "https://a.test/")
    assert crawling.obeys_robots
    assert not reader(robots=False).crawling.obeys_robots


def test_a_row_without_links_carries_nothing() -> None:
    row, found = reader().read(ROW, line(), b"text")
    assert (row.title, reader().pack(row, TASK, found)) == (UNSET, b"")


def test_a_handler_that_fails_does_not_cost_the_links_of_its_page() -> None:
    _, found = reader().read(ROW, line(), BODY)
    failed = replace(ROW, outcome=Outcome.HANDLER, error="handler: no")
    assert wire.decode(reader().pack(failed, TASK, found)).links
