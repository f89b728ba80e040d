"""What people do with a finished crawl: verify, export, urls, retry, merge and report."""

from __future__ import annotations

import csv
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


@pytest.fixture(scope="module", params=[pytest.param("inline", marks=pytest.mark.slow), "files"])
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


def test_failed_pages_of_a_crawl_are_fetched_again_and_merged(
    crawled: Crawled, tmp_path: Path
) -> None:
    out, at, pages = crawled
    flaky = at.url("/flaky")
    asked = at.asked.copy()
    pages["/flaky"] = links("/new")
    assert jobs.call("urls", out).stdout == f"{flaky}\n"
    done = jobs.call("retry", out, "-o", tmp_path / "out2", "--workers=1")
    pages["/flaky"] = page("", 503)
    assert done.returncode == 0, done.stderr
    assert "the links of these pages are not followed" in done.stderr
    assert at.asked - asked == {"/flaky": 1}
    verified = jobs.call("verify", tmp_path / "out2")
    assert verified.returncode == 0, verified.stdout
    assert "proven: 1 URL line, 1 row," in verified.stdout

    table = tmp_path / "all.csv"
    both = (out, tmp_path / "out2", "-o", table, "--sort=line")
    done = jobs.call("export", *both, "--columns=line,url,status,depth,from,via,title")
    assert done.returncode == 0, done.stderr
    rows = {row["url"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert len(rows) == len(jobs.rows(out))
    assert rows[flaky]["status"] == "200"
    home = rows[at.url("/home")]
    assert (home["depth"], home["via"], home["title"]) == ("0", "redirect", "Home")
    assert (rows[flaky]["depth"], rows[flaky]["from"], rows[flaky]["via"]) == (
        "1",
        home["line"],
        "a",
    )
    # The same command resumes: nothing is left to do.
    again = jobs.call("retry", out, "-o", tmp_path / "out2", "--workers=1")
    assert again.returncode == 0, again.stderr
    # A retry of the retry has the same lines.
    third = jobs.call("retry", tmp_path / "out2", "-o", tmp_path / "out3", "--outcome=ok")
    assert third.returncode == 0, third.stderr
    done = jobs.call("export", out, tmp_path / "out2", tmp_path / "out3", "--to=jsonl", "-o", "-")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(rows)


def test_a_retry_of_a_crawl_needs_no_url_file_and_merges_with_its_crawl_alone(
    crawled: Crawled, tmp_path: Path
) -> None:
    out, at, _ = crawled
    urls = tmp_path / "urls.txt"
    urls.write_text(f"{at.url('/home')}\n")
    refused = jobs.call("retry", out, "-o", tmp_path / "out2", "--urls", urls)
    assert (refused.returncode, "the lines of a crawl are in its log" in refused.stderr) == (
        2,
        True,
    )
    other = jobs.call("crawl", at.url("/deep/er"), "-o", tmp_path / "other", "--workers=1", "-q")
    assert other.returncode == 0, other.stderr
    merged = jobs.call("export", out, tmp_path / "other", "--to=jsonl", "-o", "-")
    assert (merged.returncode, "is a crawl of its own" in merged.stderr) == (4, True)
    again = jobs.call("retry", tmp_path / "other", "-o", tmp_path / "again", "--outcome=all")
    assert again.returncode == 0, again.stderr
    merged = jobs.call("export", out, tmp_path / "again", "--to=jsonl", "-o", "-")
    assert (merged.returncode, "cannot be merged" in merged.stderr) == (4, True)
