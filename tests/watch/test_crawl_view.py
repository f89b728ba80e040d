"""What people see of a crawl: what it has found, and no share of an unknown total."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.frontier.totals import CrawlTotals
from fetcher.protocol import messages
from fetcher.watch import crawl_view, progress, summary
from fetcher.watch.job_view import JobView, from_state
from support.messages import EXAMPLES

TOTALS = CrawlTotals(1234, {1: 30, 0: 2}, {"scope": 5, "nofollow": 1000})


def view(phase: messages.Phase = "running") -> JobView:
    """A look at a crawl by the state that its ventilator sends."""
    state, _ = EXAMPLES["state"]
    assert isinstance(state, messages.State)
    return from_state(replace(state, phase=phase, crawl=TOTALS), 10.0)


def test_a_crawl_has_found_lines_and_neither_a_share_nor_a_time_left() -> None:
    job = view()
    rows = job.rows
    assert (job.url_lines, job.left_s) == (None, None)
    assert summary.done_of(job) == f"{rows:,} lines done, 32 found so far"
    line = progress.describe(job)
    assert line.startswith(f"{rows:,} lines done, 32 found so far · ")
    assert "%" not in line
    assert progress.fields(job)["crawl"]["found"] == 32


def test_at_its_end_the_lines_are_all() -> None:
    assert "so far" not in progress.describe(view("finish"))


def test_refused_links_are_shown_by_reason_and_lines_by_depth() -> None:
    crawl = crawl_view.view_of(TOTALS)
    assert crawl_view.depths(crawl) == ["0: 2", "1: 30"]
    assert crawl_view.links(crawl) == "1,234; not followed: nofollow 1,000, scope 5"
    assert crawl_view.links(crawl_view.view_of(CrawlTotals(3))) == "3"


def test_a_deep_crawl_with_many_reasons_still_fits() -> None:
    deep = crawl_view.view_of(CrawlTotals(0, dict.fromkeys(range(40), 2)))
    assert crawl_view.depths(deep)[-2:] == ["9: 2", "deeper, up to 39: 60"]
    deepest = crawl_view.view_of(CrawlTotals(0, dict.fromkeys(range(101), 1)))
    assert crawl_view.depths(deepest)[-1] == "deeper, up to 100 and more: 91"
    reasons = {name: 10 - number for number, name in enumerate("abcdefgh")}
    assert crawl_view.refusals(reasons) == [
        *("a 10", "b 9", "c 8", "d 7", "e 6", "f 5"),
        "others 7",
    ]
