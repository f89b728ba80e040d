"""Kept pages are read again, and their links compared with those of the crawl."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.cli.main import cli
from fetcher.frontier.links import Link
from fetcher.model import Outcome
from fetcher.protocol.output_spec import Output
from fetcher.verify import pages
from fetcher.verify.audit import Audit
from support.crawl_outs import Page, make_crawl
from support.proven_crawls import HOME, ONE, SITE, TWO, verdict

KEPT = {
    HOME: Page((Link(ONE), Link(TWO)), body='<a href="1">1</a><a href="/2#x">2</a>'),
    ONE: Page((Link(HOME),), body='<a href="/">home</a>'),
    TWO: Page((), body="<p>nothing</p>"),
}


def kept_crawl(out: Path, **changed: Page) -> Path:
    pages = {**KEPT, **{f"{SITE}/{path}": page for path, page in changed.items()}}
    return make_crawl(out, pages, [HOME], output=Output(bodies="inline"))


def test_kept_pages_are_compared_with_their_links(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = kept_crawl(tmp_path / "out")
    report = verdict(out)
    assert report.counts == {}
    assert report.crawl is not None
    assert (report.crawl.pages, report.crawl.no_pages) == (3, "")
    assert cli.main(["verify", str(out)], standalone_mode=False) == 0
    assert (
        "pages: 3 kept pages read again; their links are those that were recorded"
        in capsys.readouterr().out
    )


def test_links_that_a_page_has_and_the_crawl_has_not_are_found(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"2": Page((), body='<a href="/1">1</a>')})
    assert verdict(out).counts == {pages.MISSING: 1}


def test_links_that_the_crawl_has_and_the_page_has_not_are_found(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"1": Page((Link(HOME), Link(TWO)), body='<a href="/">')})
    assert verdict(out).counts == {pages.SURPLUS: 1}


def test_a_link_that_is_recorded_with_another_kind_than_on_its_page_is_found(
    tmp_path: Path,
) -> None:
    links = (Link(HOME, "area"), Link(TWO))
    body = '<a href="/">home</a> <a href="/2">2</a>'
    out = kept_crawl(tmp_path / "out", **{"1": Page(links, body=body)})
    assert verdict(out).counts == {pages.OTHER_KINDS: 1}


def test_a_sample_is_every_nth_line(tmp_path: Path) -> None:
    out = kept_crawl(tmp_path / "out", **{"2": Page((), body='<a href="/1">1</a>')})
    sampled, whole = (Audit([out], None, sample).run() for sample in (1, None))
    assert sampled.crawl is not None
    assert whole.crawl is not None
    assert (sampled.crawl.step, sampled.crawl.pages) == (3, 1)
    assert (whole.crawl.step, whole.crawl.pages) == (1, 3)


@pytest.mark.parametrize(
    "page",
    [
        Page((), Outcome.TIMEOUT, 200, body='<a href="/1">1</a>'),
        Page((), body=""),
        Page(()),
    ],
)
def test_only_whole_pages_that_are_kept_are_compared(tmp_path: Path, page: Page) -> None:
    report = verdict(kept_crawl(tmp_path / "out", **{"2": page}))
    assert report.crawl is not None
    assert (report.crawl.pages, report.counts) == (2, {})
