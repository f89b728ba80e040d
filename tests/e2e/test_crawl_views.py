"""What people do with a finished crawl: verify, export, urls, retry, merge and report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import jobs
from support.web import Page, Site, links, moved, site

XML = "application/xml"


def page(text: str, status: int = 200) -> Page:
    return Page(text.encode(), status=status)


def make_pages(at: Site) -> dict[str, str | Page]:
    """A site with all kinds of links; /flaky fails."""
    listed = f"<urlset><url><loc>{at.url('/hidden')}</loc></url></urlset>"
    return {
        "/": moved("/home"),
        "/home": '<title>Home</title><img src="i.png"><link rel="stylesheet" href="s.css">'
        + links("/a?utm_source=x", "/b?z=1&a=2", "/b?a=2&z=1", "/flaky", "/gone", "//b.invalid/"),
        "/a": '<base href="/deep/">' + links("er", "/home#x", "mailto:x@y"),
        "/a?utm_source=x": '<base href="/deep/">' + links("er", "/home#x", "mailto:x@y"),
        "/deep/er": links("/old"),
        "/old": moved("/deep/er", 308),
        "/b?z=1&a=2": '<a href="/never" rel=nofollow>no</a>',
        "/b?a=2&z=1": '<a href="/never" rel=nofollow>no</a>',
        "/flaky": page("", 503),
        "/s.css": Page(b"a { background: url(bg.png) }", content_type="text/css"),
        "/i.png": Page(b"\x89PNG", content_type="image/png"),
        "/bg.png": Page(b"\x89PNG", content_type="image/png"),
        "/sitemap.xml": Page(listed.encode(), content_type=XML),
        "/hidden": "<meta charset=latin1><a href='/?\u00e9'>e</a>",
    }


@pytest.fixture(scope="module", params=["inline", "files"])
def crawled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Site, dict[str, str | Page]]]:
    """A complete crawl, and its site, which is still there."""
    out = tmp_path_factory.mktemp("views") / "out"
    pages: dict[str, str | Page] = {}
    with site(pages) as at:
        pages |= make_pages(at)
        options = ["--assets", "--sitemaps", "--workers=1", f"--bodies={request.param}"]
        rules = ["--set=crawl.sort_query=true", "--set=crawl.drop_params=['@tracking']"]
        done = jobs.call("crawl", at.url(), *options, *rules, "--set=crawl.title=true", "-o", out)
        assert done.returncode == 0, done.stderr
        yield out, at, pages


Crawled = tuple[Path, Site, dict[str, str | Page]]


def test_a_real_crawl_is_proven_with_its_pages(crawled: Crawled) -> None:
    out, *_ = crawled
    done = jobs.call("verify", out, "--all-pages")
    assert done.returncode == 0, done.stdout + done.stderr
    log, found, pages, verdict = done.stdout.splitlines()
    assert log.startswith("log: 1 seed and ")
    assert found.startswith("links: ")
    assert "kept pages read again; their links are those that were recorded" in pages
    assert int(pages.split()[1]) >= 7
    assert verdict.startswith("proven: ")
