"""What the report shows to the eye: legends, folded hosts, what was not measured, touch targets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fetcher.model import Outcome, Result, Timings
from fetcher.protocol.output_spec import Output
from fetcher.report.plots import latency_plot
from fetcher.report.sketches import LogHistogram
from support import jobs, outs

HOSTS = 8
LINES = 40


def result(line: int) -> Result:
    """A line of one of the hosts: the first one was given up, and the second was tried twice."""
    host = line % HOSTS
    url = f"http://h{host}.test:8080/{line}"
    began_s = 1_790_000_000 + line / 7
    if host == 0:
        said = "not tried: the host is given up for 60 s"
        nothing = Timings(total=0.0)
        return Result(line, url, Outcome.CONNECT, error=said, attempts=0, timings_ms=nothing)
    attempts = 2 if host == 1 else 1
    return Result(
        line,
        url,
        Outcome.OK,
        200,
        content_type="text/html",
        body_bytes=1_000 * line,
        wire_bytes=1_000 * line,
        attempts=attempts,
        started_at=began_s,
        timings_ms=Timings(None, 0.004 if line % 2 else 0.3, None, 5.0, 10.0 + line),
        worker="w",
    )


def make(tmp_path: Path, output: Output) -> Path:
    urls = tmp_path / "urls.txt"
    rows = [result(line) for line in range(1, LINES + 1)]
    urls.write_text("".join(f"{row.url}\n" for row in rows))
    return outs.make_out(tmp_path / "out", urls, rows, output=output)


def test_times_below_a_tenth_of_a_millisecond_are_one_step() -> None:
    histogram = LogHistogram()
    for value in (0.000_01, 0.02, 0.099, 0.1001, 3.0):
        histogram.add(value)
    drawn = latency_plot({"total": histogram})
    assert drawn.from_ms[0] < drawn.least_ms == drawn.from_ms[1] == 0.1
    assert drawn.shares["total"][:2] == [0.6, 0.2]
    assert sum(drawn.shares["total"]) == pytest.approx(1)
    longer = LogHistogram()
    longer.add(3.0)
    assert latency_plot({"total": longer}).from_ms[0] > 1, "no step that nothing is in"


@pytest.mark.parametrize("output", [Output(), Output("msgpack")], ids=["jsonl", "msgpack"])
def test_a_line_that_was_not_tried_has_no_attempt_in_any_form(
    tmp_path: Path, output: Output
) -> None:
    out = make(tmp_path, output)
    assert "5 tried again, 5 of them ok" in jobs.call("report", out, "--text").stdout
    found = jobs.call("report", out, "--json").stdout
    assert '"attempts":[{"name":"0","rows":5,' in found
    assert '"mean_attempts":1.14' in found, "40 attempts at 35 lines"
    text = jobs.call("report", out, "--text").stdout
    (failing,) = (line for line in text.splitlines() if line.startswith("h0.test:8080"))
    assert re.fullmatch(r"h0\.test:8080 +5 +5 +\N{EN DASH} +\N{EN DASH} *", failing)


def test_the_page_says_what_was_measured_in_words_that_fit(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert jobs.call("report", make(tmp_path, Output()), "-o", page).returncode == 0
    body = page.read_text("utf-8").partition("<body>")[2].partition("<script")[0]
    for said in (
        "Shares of the 40 lines that are done.",
        "Shares of the 35 lines that had an answer.",
        "5 lines were tried again; 5 of them became ok. 1.14 attempts on average, of lines that",
        "Lines with 0 attempts were not tried, as their host had been given up.",
        "; 5 lines hold no time",
    ):
        assert said in body, said
    for of, most in (("sizes", "largest"), ("phases", "longest")):
        assert f">{most}</th>" in body.partition(f'<table id="{of}"')[2].partition("</table>")[0]
    given_up = body.partition('<table id="failing"')[2].partition("</table>")[0]
    assert given_up.count('<td class="n">\N{EN DASH}</td>') == 3, "mean, longest, bodies"
    # One form of times, in UTC, of whatever is written.
    assert not re.search(r"\d{4}-\d\d-\d\dT", body)
    assert re.search(r"<dt>begun</dt><dd>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</dd>", body)


def test_hosts_beyond_five_are_folded(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert jobs.call("report", make(tmp_path, Output()), "-o", page).returncode == 0
    body = page.read_text("utf-8")
    for ranking, more in (("busiest", 3), ("slowest", 2)):
        first, _, rest = body.partition(f'<table id="{ranking}"')[2].partition("</table>")
        assert first.count('<th scope="row"') == 5
        folded = rest.partition("</details>")[0]
        assert f"<details><summary>{more} more</summary>" in folded
        assert folded.count('<th scope="row"') == more
    assert 'id="failing-more"' not in body


def test_a_phone_shows_values_under_the_finger_and_links_that_it_can_hit(
    tmp_path: Path, browser: Any
) -> None:
    page = tmp_path / "page.html"
    assert jobs.call("report", make(tmp_path, Output()), "-o", page).returncode == 0
    options = {"viewport": {"width": 390, "height": 800}, "reduced_motion": "reduce"}
    tab = browser.new_context(**options).new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_selector("#plot-rate canvas")
    value = "#plot-rate .u-series:nth-child(2) .u-value"
    seen = "(of) => getComputedStyle(of).visibility"
    assert tab.eval_on_selector(value, seen) == "hidden"
    tab.hover("#plot-rate .u-over")
    assert tab.eval_on_selector(value, seen) == "visible"
    assert re.search(r"\d", tab.inner_text(value))
    assert tab.eval_on_selector("#plot-rate .u-series .u-value", seen) == "visible"
    heights = tab.eval_on_selector_all("nav a, summary", "(all) => all.map(e => e.offsetHeight)")
    assert min(height for height in heights if height) >= 44
    # A phase's meaning has the row, and is not squeezed into the first column.
    meaning = tab.locator(".meaning small").first.bounding_box()
    assert meaning is not None
    assert meaning["width"] > 200
    assert meaning["height"] < 45
    assert tab.eval_on_selector("html", "(of) => getComputedStyle(of).scrollBehavior") == "auto"
    assert tab.locator("thead th:not([scope=col])").count() == 0
    assert said == []
