"""`fetcher crawl` against small sites: which pages are fetched, how often, and what rows say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from fetcher.model import Outcome, Result
from support import jobs
from support.web import Page, Site, links, moved, site

ONCE = 1


def crawl(out: Path, *arguments: object, code: int = 0) -> list[Result]:
    """Crawl to the end; the rows by line."""
    done = jobs.call("crawl", *arguments, "-o", out, "--workers=1")
    assert done.returncode == code, done.stderr
    return sorted(jobs.rows(out), key=lambda row: row.line)


def paths(rows: list[Result], at: Site) -> dict[str, Result]:
    """Rows by path; each URL has one."""
    assert len({row.url for row in rows}) == len(rows)
    return {row.url.removeprefix(at.url("")): row for row in rows}


def log_of(out: Path) -> list[dict[str, Any]]:
    """The lines of the log."""
    text = (out / "frontier/part-00000.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


GRAPH: dict[str, str | Page] = {
    "/": links("/a", "b#part", "/a?", "http://other.invalid/", "mailto:x@y.invalid"),
    "/a": links("/", "/b", "deep/"),
    "/b": '<a href="/c" rel="nofollow">no</a><a href=/d>yes</a>',
    "/c": links("/never"),
    "/d": '<meta name="robots" content="nofollow"><a href="/never">no</a>',
    "/deep/": Page(links("/never").encode(), headers=(("X-Robots-Tag", "nofollow"),)),
    "/a?": "the same page without a parameter",
}


def test_each_page_of_a_site_is_fetched_once_and_its_row_says_how_it_was_found(
    tmp_path: Path,
) -> None:
    with site(GRAPH) as at:
        rows = crawl(tmp_path / "out", at.url())
        found = paths(rows, at)
        assert set(found) == {"/", "/a", "/b", "/d", "/deep/", "/a?"}
        assert at.asked == Counter(dict.fromkeys(found, ONCE))
    assert [row.line for row in rows] == list(range(1, len(rows) + 1))
    assert (found["/"].depth, found["/"].via, found["/"].found_on) == (0, "seed", UNSET)
    assert (found["/d"].depth, found["/d"].via) == (2, "a")
    assert rows[int(str(found["/d"].found_on)) - 1].url == found["/b"].url
    assert [line["url"] for line in log_of(tmp_path / "out")] == [row.url for row in rows]


def test_a_seed_whose_line_is_wrong_is_not_requested_and_its_row_says_why(tmp_path: Path) -> None:
    out, seeds = tmp_path / "out", tmp_path / "seeds.jsonl"
    with site({"/": ""}) as at:
        wrong = {"url": at.url("/"), "verb": "DELETE", "id": 7}
        seeds.write_text(f"{json.dumps(wrong)}\n{json.dumps({'url': at.url('/')})}\n{{}}\n")
        rows = crawl(out, seeds)
        assert at.asked == {"/": ONCE}
    assert [row.outcome for row in rows] == [Outcome.INVALID_URL, Outcome.OK, Outcome.INVALID_URL]
    assert rows[0].id == 7
    assert str(rows[0].error).startswith("'verb' is not a known key")
    assert rows[2].error == "url: the key is missing"
    assert jobs.call("verify", out).returncode == 0


def test_robots_txt_is_obeyed_unless_a_setting_says_otherwise(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {
        "/robots.txt": Page(b"User-agent: *\nDisallow: /a\n", content_type="text/plain"),
        "/": links("/a", "/b"),
        "/a": links("/c"),
        "/b": "",
    }
    polite = "--set=polite.enabled=true", "--delay=0", "--per-host=9"
    with site(pages) as at:
        found = paths(crawl(tmp_path / "out", at.url(), *polite), at)
        assert set(found) == {"/", "/a", "/b"}
        assert found["/a"].outcome is Outcome.ROBOTS
        assert at.asked == {"/robots.txt": 1, "/": 1, "/b": 1}
    with site(pages) as at:
        found = paths(crawl(tmp_path / "out2", at.url(), *polite, "--no-robots"), at)
        assert set(found) == {"/", "/a", "/b", "/c"}
        assert "/robots.txt" not in at.asked


def test_a_redirect_is_a_row_and_its_target_another(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {
        "/": moved("/home"),
        "/home": links("/old", "/loop1", "/out"),
        "/old": moved("/new?x=1", 308),
        "/new?x=1": "new",
        "/loop1": moved("/loop2"),
        "/loop2": moved("/loop1"),
        "/out": moved("http://other.invalid/"),
    }
    with site(pages) as at:
        found = paths(crawl(tmp_path / "out", at.url()), at)
        assert at.asked == Counter(dict.fromkeys(pages, ONCE))
    assert set(found) == set(pages)
    root, target = found["/"], found["/home"]
    assert (root.outcome, root.status, root.location) == (Outcome.OK, 301, target.url)
    assert (target.via, target.depth, target.found_on) == ("redirect", 0, root.line)
    assert found["/old"].location == found["/new?x=1"].url
    assert found["/new?x=1"].depth == found["/old"].depth == 1
    assert found["/out"].location == "http://other.invalid/"


SCOPES = {
    "page": {"/docs/", "/docs/i.png"},
    "prefix": {"/docs/", "/docs/i.png", "/docs/a/b", "/docs/c"},
    "any": {"/docs/", "/docs/i.png", "/docs/a/b", "/docs/c", "/", "other"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_holds_what_it_says(tmp_path: Path, scope: str) -> None:
    with site({"/x": "there"}) as other:
        pages: dict[str, str | Page] = {
            "/docs/": '<img src="i.png">' + links("a/b", "/", other.url("/x", "localhost")),
            "/docs/a/b": links("/docs/c"),
            "/docs/c": "",
            "/docs/i.png": Page(b"\x89PNG", content_type="image/png"),
            "/": "",
        }
        with site(pages) as at:
            rows = crawl(tmp_path / "out", at.url("/docs/"), "--scope", scope, "--assets")
            found = {row.url.removeprefix(at.url("")) for row in rows}
            assert {"other" if "localhost" in each else each for each in found} == SCOPES[scope]
            assert sum(other.asked.values()) == (scope == "any")


@pytest.mark.parametrize(
    "secret", ["--header=Authorization: Bearer x", "--set=http.auth=support.auths:basic"]
)
def test_secrets_of_the_settings_reach_the_hosts_of_seeds_only(secret: str, tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {}
    given = ("--assets", "--scope=any", secret, "--header=Accept-Language: de")
    with site(pages) as at:
        other = at.url("", "localhost")
        pages["/"] = f'{links("/a", f"{other}/b")}<img src="{other}/c"><img src="/d">'
        pages["/a"] = moved(f"{other}/e")
        pages |= dict.fromkeys(("/b", "/c", "/d", "/e"), links("/a"))
        crawl(tmp_path / "out", at.url(), *given)
        seen = {url: head.keys() for url, head in at.heads.items()}
        at.heads.clear()
        again = ("retry", tmp_path / "out", "-o", tmp_path / "out2", "--outcome=all", *given[2:])
        assert jobs.call(*again).returncode == 0
        assert {url: head.keys() for url, head in at.heads.items()} == seen
        assert {url for url in seen if "Authorization" in seen[url]} == {
            at.url(path) for path in ("/", "/a", "/d")
        }
        assert {f"{other}{path}" for path in ("/b", "/c", "/e", "/a")} < set(seen)
        assert all("Accept-Language" in head for head in seen.values())
    assert jobs.call("verify", tmp_path / "out").returncode == 0


def test_deny_wins_over_allow(tmp_path: Path) -> None:
    pages = {"/": links("/keep/1", "/keep/no", "/drop")}
    with site(lambda path: pages.get(path, "a page")) as at:
        rows = crawl(tmp_path / "out", at.url(), "--allow", "/keep/", "--deny", "no$")
        assert set(paths(rows, at)) == {"/", "/keep/1"}


def binary_tree(path: str) -> str:
    """A page with two further pages, without end."""
    number = int(path.strip("/") or "1")
    return links(f"/{2 * number}", f"/{2 * number + 1}")


def test_budgets_are_exact(tmp_path: Path) -> None:
    with site(binary_tree) as at:
        assert len(crawl(tmp_path / "a", at.url("/1"), "--max-pages", 37)) == 37
        assert sum(at.asked.values()) == 37
    with site(binary_tree) as at:
        rows = crawl(tmp_path / "b", at.url("/1"), "--depth", 4)
        assert Counter(row.depth for row in rows) == {0: 1, 1: 2, 2: 4, 3: 8, 4: 16}
    with site(binary_tree) as at, site(binary_tree) as other:
        seeds = (at.url("/1"), other.url("/1"))
        rows = crawl(tmp_path / "c", *seeds, "--max-pages-per-host", 11)
        assert len(rows) == 22
        assert sum(at.asked.values()) == sum(other.asked.values()) == 11


def test_sitemaps_are_lines_and_lead_to_pages(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {}
    with site(pages) as at:
        index = f"<sitemapindex><sitemap><loc>{at.url('/two.xml')}</loc></sitemap></sitemapindex>"
        listed = f"<urlset><url><loc>{at.url('/hidden')}</loc></url></urlset>"
        xml = "application/xml"
        pages |= {
            "/": links("/a"),
            "/a": "",
            "/sitemap.xml": Page(index.encode(), content_type=xml),
            "/two.xml": Page(listed.encode(), content_type=xml),
            "/hidden": links("/b"),
            "/b": "",
        }
        found = paths(crawl(tmp_path / "out", at.url(), at.url("/a"), "--sitemaps"), at)
        assert set(found) == set(pages)
        assert at.asked == Counter(dict.fromkeys(pages, ONCE))
    how = {path: (row.via, row.depth) for path, row in found.items()}
    assert how["/sitemap.xml"] == how["/two.xml"] == ("sitemap", 0)
    assert (how["/hidden"], how["/b"]) == (("listed", 1), ("a", 2))
