"""The report of a crawl: pages by depth, discovery over time, refused links, hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fetcher.cli.main import cli
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.model import Outcome
from fetcher.report.contents import contents
from fetcher.report.discovery import Discovery
from fetcher.report.reading import read
from support import jobs
from support.crawl_outs import FOUND_AT_S, Page, make_crawl

A, B = "http://a.test", "http://b.test"
# In the order of the log: line 1 finds 2 and 3, 2 finds 4, and 4 finds 5 and 6.
PAGES = {
    f"{A}/": Page(
        (Link(f"{A}/1"), Link(f"{B}/"), Link("http://c.test/")), left_out={Refusal.NOFOLLOW: 3}
    ),
    f"{A}/1": Page((Link(f"{A}/2"),)),
    f"{B}/": Page((), Outcome.TIMEOUT, None),
    f"{A}/2": Page((Link(f"{A}/3"), Link(f"{A}/4"))),
    f"{A}/3": Page(()),
}
RULES = CrawlRules(scope="any", deny=("c\\.test",))


def make(folder: Path) -> Path:
    return make_crawl(folder / "out", PAGES, [f"{A}/"], RULES)


def test_the_figures_of_a_crawl(tmp_path: Path) -> None:
    found = contents(*read([make(tmp_path)]), FOUND_AT_S + 100)
    assert found.crawl is not None
    assert (found.crawl.lines, found.crawl.links) == (6, 10)
    depths = [(each.depth, each.found, each.done, each.failed) for each in found.crawl.depths]
    assert depths == [(0, 1, 1, 0), (1, 2, 2, 1), (2, 1, 1, 0), (3, 2, 2, 1)]
    refused = [(each.reason, each.links, each.share) for each in found.crawl.refused]
    assert refused == [("nofollow", 3, 0.75), ("deny", 1, 0.25)]
    assert {each.name: each.rows for each in found.hosts.busiest} == {"a.test": 5, "b.test": 1}


def test_lines_count_as_found_when_the_row_of_their_finder_ended(tmp_path: Path) -> None:
    plot = contents(*read([make(tmp_path)]), FOUND_AT_S + 100).times.plot

    def at(second: float) -> tuple[int, int]:
        """Found and done up to this second."""
        ends = [index for index, at_s in enumerate(plot.at_s) if at_s <= FOUND_AT_S + second]
        return plot.found[ends[-1]], plot.done[ends[-1]]

    # Line n is fetched at second n, and takes no time.
    assert [at(second) for second in range(1, 7)] == [
        (3, 1),
        (4, 2),
        (4, 3),
        (6, 4),
        (6, 5),
        (6, 6),
    ]
    assert plot.found[-1] == plot.done[-1] == 6


@given(
    st.lists(st.tuples(st.integers(-5, 50), st.none() | st.integers(-5, 50), st.floats(0, 1e10)))
)
def test_lines_that_the_log_does_not_have_do_no_harm(
    rows: list[tuple[int, int | None, float]],
) -> None:
    discovery = Discovery(20)
    for line, finder, at_s in rows:
        found_s = discovery.found_at_s(line, finder, at_s, at_s + 1)
        assert found_s is None or isinstance(found_s, float)
        assert finder is not None or found_s == at_s


def test_page_text_and_json_show_the_crawl(tmp_path: Path) -> None:
    out = make(tmp_path)
    page = tmp_path / "page.html"
    cli.main(["report", str(out), "-o", str(page), "--quiet"], standalone_mode=False)
    html = page.read_text("utf-8")
    for part in ('id="by-depth"', 'id="refused"', 'id="plot-found"', 'href="#crawl"', "nofollow"):
        assert part in html
    text = jobs.call("report", out, "--text").stdout
    assert "not followed" in text
    assert "nofollow" in text
    assert text.index("found") < text.index("nofollow")
    figures = json.loads(jobs.call("report", out, "--json").stdout)
    assert figures["crawl"]["depths"][1] == {
        "depth": 1,
        "is_deepest": False,
        "found": 2,
        "done": 2,
        "failed": 1,
    }


def test_the_plot_of_discovery_in_a_browser(tmp_path: Path, browser: Any) -> None:
    out = make(tmp_path)
    page = tmp_path / "page.html"
    cli.main(["report", str(out), "-o", str(page), "--quiet"], standalone_mode=False)
    tab = browser.new_page(viewport={"width": 360, "height": 800})
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_selector("#plot-found canvas")
    assert said == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
