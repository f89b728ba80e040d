"""A refresh of a crawl finds the same graph, although pages that have not changed are not sent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from fetcher.watch.status import look
from support import jobs
from support.waiting import wait_until
from support.web import Page, Site, links, moved, site

QUIET = ("-q", "--workers=1")
PAGES = 200


def page(number: int, text: str = "", *more: str) -> Page:
    """A page that links to three others, and its ETag."""
    near = [f"/{(number * 3 + step) % PAGES}" for step in (1, 2, 3)]
    body = f"<title>{number}{text}</title>{links(*near, *more)}".encode()
    return Page(body, etag=f'"{number}{text}"')


def world() -> dict[str, str | Page]:
    """200 pages, each found from the first."""
    return {f"/{number}": page(number) for number in range(PAGES)}


def change(pages: dict[str, str | Page]) -> None:
    """5 pages changed, 3 of them link to new ones; 2 are gone."""
    for number in (0, 50, 120):
        pages[f"/{number}"] = page(number, "new", f"/new/{number}")
        pages[f"/new/{number}"] = Page(b"new", etag=f'"n{number}"')
    for number in (77, 78):
        pages[f"/{number}"] = page(number, "other")
    del pages["/150"], pages["/151"]


def crawl(of: Site, out: Path, *options: object) -> None:
    done = jobs.call("crawl", of.url("/0"), "-o", out, *QUIET, *options)
    assert done.returncode == 0, done.stderr
    prove(out)


def refresh(of: Site, out: Path, again: Path, *options: object) -> None:
    of.asked.clear()
    of.not_modified.clear()
    done = jobs.call("refresh", out, "-o", again, *QUIET, *options)
    assert done.returncode == 0, done.stderr
    prove(again)


def prove(out: Path) -> None:
    verdict = jobs.call("verify", out, "--all-pages")
    assert verdict.returncode == 0, verdict.stdout


def paths(out: Path) -> dict[str, Result]:
    found = {"/" + row.url.split("/", 3)[3]: row for row in jobs.rows(out)}
    assert len(found) == len(jobs.rows(out))
    return found


def edges(out: Path) -> Counter[tuple[str, str]]:
    """The links of each page, by URL."""
    done = jobs.call("links", out)
    assert done.returncode == 0, done.stderr
    found = map(json.loads, done.stdout.splitlines())
    return Counter((each["from_url"], each["to_url"]) for each in found)


@pytest.mark.parametrize("bodies", [pytest.param("none", marks=pytest.mark.slow), "files"])
def test_the_new_crawl_has_the_pages_of_a_fresh_one_and_the_difference_is_what_changed(
    tmp_path: Path, bodies: str
) -> None:
    out, again, fresh = (tmp_path / name for name in ("out", "again", "fresh"))
    pages = world()
    with site(pages) as of:
        crawl(of, out, "--bodies", bodies)
        change(pages)
        refresh(of, out, again)
        asked, known = of.asked.copy(), of.not_modified.total()
        crawl(of, fresh)
    assert {path: count for path, count in asked.items() if count > 1} == {}
    assert known == PAGES - 5 - 2
    new, expected = paths(again), paths(fresh)
    assert new.keys() == expected.keys()
    for path, row in expected.items():
        assert (new[path].sha256, new[path].outcome) == (row.sha256, row.outcome)
        assert new[path].depth is not None
    assert edges(again) == edges(fresh)
    assert sum(row.unchanged is True for row in new.values()) == known
    difference = json.loads(jobs.call("diff", out, again, "--json").stdout)
    assert {kind: count for kind, count in difference.items() if count} == {
        "new": 3,
        "gone": 2,
        "changed": 5,
        "same": PAGES - 7,
    }
    seen = look([again])
    assert (seen.refresh_of, seen.totals.unchanged) == (str(out), known)


@pytest.mark.parametrize("order", [pytest.param("log", marks=pytest.mark.slow), "levels"])
def test_kinds_of_links_depths_and_titles_are_those_of_before(tmp_path: Path, order: str) -> None:
    listed = "".join(f"<url><loc>http://HOST/listed/{n}</loc></url>" for n in range(3))
    head = '<title>home</title><link rel=stylesheet href="/a.css"><img src=/a.png>'
    # In the order of the log, whichever page is read first finds what both link to.
    target = "/2" if order == "levels" else "/3"
    pages: dict[str, str | Page] = {
        "/0": Page(f"{head}{links('/1', '/old', 'http://other.test/')}".encode(), etag='"0"'),
        "/1": Page(f"<title>1</title>{links('/2', '/0')}<img src=/b.png>".encode(), etag='"1"'),
        "/2": Page(b"<title>2</title>", etag='"2"'),
        "/3": Page(b"<title>3</title>", etag='"3"'),
        "/old": moved(target),
        "/a.css": Page(b"p{background:url(c.png)}", 200, "text/css", etag='"c"'),
        "/robots.txt": Page(b"", 200, "text/plain"),
    }
    out, again, chained = (tmp_path / name for name in ("out", "again", "chained"))
    options = ("--assets", "--sitemaps", "--set=crawl.title=true", f"--set=crawl.order={order}")
    with site(pages) as of:
        text = f"<urlset>{listed}</urlset>".replace("HOST", f"127.0.0.1:{of.port}").encode()
        pages["/sitemap.xml"] = Page(text, 200, "application/xml", etag='"s"')
        crawl(of, out, *options)
        refresh(of, out, again)
        assert of.not_modified["/0"] == of.not_modified["/sitemap.xml"] == 1
        refresh(of, again, chained)
    old = paths(out)
    for each in (again, chained):
        found = paths(each)
        assert found.keys() == old.keys()
        for path, row in found.items():
            assert (row.depth, row.title, row.location) == (
                old[path].depth,
                old[path].title,
                old[path].location,
            )
            assert (row.via, row.status in (304, old[path].status)) == (old[path].via, True)
        assert edges(each) == edges(out)


def test_the_links_of_a_handler_are_taken_over_with_their_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: dict[str, str | Page] = {
        "/0": Page(b"home", etag='"0"'),
        "/api": Page(b"{}", 200, "application/json", etag='"a"'),
        "/user": Page(b"user", etag='"u"'),
    }
    (tmp_path / "people.py").write_text(
        "def people(page):\n"
        "    links = []\n"
        "    if page.result.url.endswith('/0'):\n"
        "        links = [{'url': '/api', 'method': 'POST', 'body': 'x=1', 'route': 'list'},\n"
        "                 {'url': '/user', 'route': 'user', 'id': 7, 'priority': 2}]\n"
        "    return {'links': links, 'extra': {'route': page.route}}\n"
    )
    out, again = tmp_path / "out", tmp_path / "again"
    with site(pages) as of:
        with_handler = "--set=worker.handler=people:people"
        monkeypatch.setitem(jobs.ENV, "PYTHONPATH", f"{jobs.ENV['PYTHONPATH']}:{tmp_path}")
        crawl(of, out, with_handler)
        of.requests.clear()
        refresh(of, out, again, with_handler)
        assert ("POST", "/api", b"x=1") in of.requests
        assert of.not_modified == {"/0": 1, "/user": 1, "/api": 0}
    old, new = paths(out), paths(again)
    assert {path: (row.extra, row.id) for path, row in new.items()} == {
        path: (row.extra, row.id) for path, row in old.items()
    }
    assert new["/user"].id == 7


def test_a_refresh_of_a_crawl_that_was_killed_resumes_with_every_page_once(tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    pages = world()
    with site(pages, delay_s=0.005) as of:
        crawl(of, out, "--bodies=inline")
        change(pages)
        options = ("--workers=1", "--pool-size=4", "--batch-size=5", "-q")
        with jobs.forked("refresh", out, "-o", again, *options) as job:
            wait_until(lambda: jobs.committed(again) >= 10, what="rows are committed")
            job.kill("worker")
            wait_until(lambda: jobs.committed(again) >= 30, what="more rows are committed")
            job.kill("sink")
            job.close()
        refresh(of, out, again, *options)
    rows = paths(again)
    assert len(rows) == PAGES + 3
    assert sum(row.outcome is not Outcome.OK for row in rows.values()) == 2


def test_pages_that_nothing_links_to_any_more_are_left_out(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {
        "/0": Page(links("/a", "/b").encode(), etag='"0"'),
        "/a": Page(links("/deep").encode(), etag='"a"'),
        "/b": Page(b"b", etag='"b"'),
        "/deep": Page(b"deep", etag='"d"'),
    }
    out, again = tmp_path / "out", tmp_path / "again"
    with site(pages) as of:
        assert jobs.call("crawl", of.url("/0"), "-o", out, *QUIET).returncode == 0
        pages["/0"] = Page(links("/b").encode(), etag='"new"')
        refresh(of, out, again)
        assert of.asked.keys() - {"/robots.txt"} == {"/0", "/b"}
    difference = jobs.call("diff", out, again, "--only", "gone").stdout
    assert sorted(json.loads(line)["url"][-5:] for line in difference.splitlines()) == [
        "/deep",
        f"{of.port}/a"[-5:],
    ]


def test_without_kept_links_all_pages_are_fetched_in_full(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {
        "/0": Page(links("/1").encode(), etag='"0"'),
        "/1": Page(b"1", etag='"1"'),
    }
    out, again = tmp_path / "out", tmp_path / "again"
    with site(pages) as of:
        crawl(of, out, "--set=crawl.keep_links=false")
        done = jobs.call("refresh", out, "-o", again, "--workers=1")
        assert done.returncode == 0, done.stderr
        assert of.not_modified.total() == 0
    assert "all pages are fetched in full, because" in done.stderr
    assert [row.unchanged for row in paths(again).values()] == [True, True]


def test_other_rules_than_those_of_the_crawl_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    polite = "--set=polite.enabled=true"
    with site({"/0": "x"}) as of:
        crawl(of, out, polite)
    for option in ("--set=crawl.depth=3", "--no-robots"):
        done = jobs.call("refresh", out, "-o", tmp_path / "again", polite, option)
        assert done.returncode == 4
        assert "was begun with" in done.stderr
    done = jobs.call("refresh", out, "-o", tmp_path / "again", "--urls", "urls.txt")
    assert done.returncode == 2
    assert "in its log; leave it out" in done.stderr
