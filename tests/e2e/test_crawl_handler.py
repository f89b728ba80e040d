"""Crawls by a handler: it returns links of any form, and its mistakes cost its own row alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from msgspec import UNSET

from fetcher.model import Outcome, Result
from support import jobs
from support.web import Page, links, site

USERS = {"ann": ["bob", "cy"], "bob": ["ann", "dee", "cy"], "cy": [], "dee": ["ann"]}


def network(path: str) -> str | Page | None:
    """Pages of users, and lists of followers in pages of two."""
    _, kind, *rest = path.split("/")
    if kind == "users":
        return f"<h1>{rest[0]}</h1><a href=/imprint>imprint</a>"
    if kind != "api":
        return None
    name, _, start = rest[1].partition("?from=")
    first = int(start or 0)
    more = USERS[name][first + 2 :]
    following = f"/api/followers/{name}?from={first + 2}" if more else None
    data = {"names": USERS[name][first : first + 2], "next": following}
    return Page(json.dumps(data).encode(), content_type="application/json")


def crawl(out: Path, handler: str, *arguments: object) -> list[Result]:
    done = jobs.call(
        *("crawl", *arguments, "-o", out, "--workers=1"),
        f"--set=worker.handler=support.recipes:{handler}",
    )
    assert done.returncode == 0, done.stderr
    return sorted(jobs.rows(out), key=lambda row: row.line)


def test_users_lead_to_followers_and_followers_to_users(tmp_path: Path) -> None:
    with site(network) as at:
        only = "--set=crawl.page_links=false"
        rows = crawl(tmp_path / "out", "people", at.url("/users/ann"), only)
        profiles = [row for row in rows if row.extra is not UNSET]
        assert sorted(row.extra["name"] for row in profiles if row.extra) == sorted(USERS)
        assert {row.url for row in rows if row.id == "bob"} == {at.url("/api/followers/bob")}
        lists = [row for row in rows if "/api/" in row.url]
        assert len(lists) == len(USERS) + 1, "one list has two pages"
        assert set(at.asked.values()) == {1}
        assert "/imprint" not in at.asked
    assert {row.via for row in rows} == {"seed", "handler"}


def test_links_of_pages_are_followed_too_unless_a_setting_says_otherwise(tmp_path: Path) -> None:
    with site(network) as at:
        rows = crawl(tmp_path / "out", "people", at.url("/users/cy"), "--depth=1")
        found = {row.url.removeprefix(at.url("")): row.via for row in rows}
    assert found == {"/users/cy": "seed", "/imprint": "a", "/api/followers/cy": "handler"}


def test_one_url_with_different_bodies_is_several_pages(tmp_path: Path) -> None:
    with site(lambda path: "answer") as at:
        rows = crawl(tmp_path / "out", "posts", at.url("/"))
        assert Counter(at.requests) == Counter(
            [("GET", "/", b""), ("POST", "/api", b"a"), ("POST", "/api", b"b")]
        )
    assert [row.outcome for row in rows] == [Outcome.OK] * 3


def test_a_wrong_link_is_the_handlers_failure_and_the_crawl_goes_on(tmp_path: Path) -> None:
    pages = {
        "/": links("/page"),
        "/page": "",
        "/good": "",
        "/bad": links("/by-page"),
        "/by-page": "",
    }
    with site(pages) as at:
        rows = {row.url: row for row in crawl(tmp_path / "out", "wrong", at.url())}
    assert set(rows) == {at.url(path) for path in pages}
    bad = rows[at.url("/bad")]
    assert (bad.outcome, bad.error_kind) == (Outcome.HANDLER, "bad_result")
    assert bad.error == "handler: ValueError: links[0]: url: must be a text"


def test_a_failure_on_a_seed_does_not_hide_the_sitemaps_of_its_site(tmp_path: Path) -> None:
    listed = b"<urlset><url><loc>/hidden</loc></url></urlset>"
    pages: dict[str, str | Page] = {
        "/bad": links("/by-page"),
        "/by-page": "",
        "/good": "",
        "/hidden": "",
        "/sitemap.xml": Page(listed, content_type="application/xml"),
    }
    with site(pages) as at:
        rows = crawl(tmp_path / "out", "wrong", at.url("/bad"), "--sitemaps")
        outcomes = {row.url.removeprefix(at.url("")): row.outcome for row in rows}
    assert outcomes == dict.fromkeys(pages, Outcome.OK) | {"/bad": Outcome.HANDLER}


def test_in_a_list_the_same_value_is_extra_as_before(tmp_path: Path) -> None:
    with site({"/": ""}) as at:
        urls = jobs.write_urls(tmp_path / "urls.txt", [at.url()])
        handler = "--set=worker.handler=support.recipes:has_links"
        done = jobs.call("run", urls, "-o", tmp_path / "out", handler)
    assert done.returncode == 0, done.stderr
    (row,) = jobs.prove(tmp_path / "out", urls)
    assert row.extra == {"links": ["/x"], "other": 1}
    assert (row.depth, row.via) == (UNSET, UNSET)


def test_a_page_that_hangs_or_kills_its_reader_ends_as_crashed_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    pages = {"/": links(*(f"/{n}" for n in range(9)), "/hang", "/die", "/end"), "/end": links("/z")}
    pages |= {"/hang": "<hang>", "/die": "<die>"}
    options = (
        *("--workers=2", "--batch-size=4", "--set=worker.transport=support.hanging:make"),
        *("--set=worker.watchdog_s=1", "--set=worker.heartbeat_s=0.2", "--set=lease.silent_s=2"),
        "--set=lease.poison_deaths=2",
    )
    with site(lambda path: pages.get(path, "page")) as at:
        done = jobs.call("crawl", at.url(), "-o", tmp_path / "out", *options)
        assert done.returncode == 0, done.stderr
        rows = {row.url.removeprefix(at.url("")): row for row in jobs.rows(tmp_path / "out")}
    assert set(rows) == {"/", *(f"/{n}" for n in range(9)), "/hang", "/die", "/end", "/z"}
    crashed = {path for path, row in rows.items() if row.outcome is Outcome.CRASHED}
    assert crashed == {"/hang", "/die"}
    assert rows["/hang"].via == "a"
