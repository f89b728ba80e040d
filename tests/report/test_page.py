"""The report as people meet it: the command, the page in a real browser, hostile words in it."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.errors import NoSpaceError
from fetcher.model import Outcome, Result, Timings
from fetcher.protocol.output_spec import Output
from support import jobs, outs
from support.waiting import wait_until

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>\u202e\x1b[31m'
LINES = 400


def test_each_outcome_has_its_colour() -> None:
    css = (jobs.ROOT / "fetcher/report/page/page.css").read_text("utf-8")
    assert set(re.findall(r"\.o-(\w+) \{ --key: var\(--\1\)", css)) == set(Outcome)


def results(count: int) -> list[Result]:
    rows = []
    for line in range(1, count + 1):
        failed = line % 10 == 0
        rows.append(
            Result(
                line,
                outs.url_of(line),
                Outcome.TIMEOUT if failed else Outcome.OK,
                None if failed else 200,
                error=f"took too long: {EVIL}" if failed else None,
                content_type=None if failed else f"text/html{EVIL}",
                body_bytes=None if failed else 100 * line,
                wire_bytes=None if failed else 50 * line,
                started_at=1_790_000_000 + line / 50,
                timings_ms=Timings(1.0, 2.0, None, 5.0 + line % 7, 10.0 + line),
                worker="w",
            )
        )
    return rows


def make(tmp_path: Path, count: int = LINES, output: Output | None = None) -> Path:
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    return outs.make_out(tmp_path / "out", urls, results(count), output=output or Output())


PUBLIC_KEYS = (
    "answered attempts average_per_s body_bytes crawl failed failures failures_not_shown first_s "
    "hops hosts job kinds last_s latency mean_attempts ok outcomes phases redirected retried rows "
    "saved_by_retry settings size_plot sizes statuses time types unchanged untimed versions "
    "wire_bytes worked_s workers written_at_s"
)


def figures(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(jobs.call("report", out, "--json").stdout)
    return found


@pytest.mark.parametrize("output", [Output(), Output("msgpack", "zstd")])
def test_figures_are_those_of_the_rows(tmp_path: Path, output: Output) -> None:
    found = figures(make(tmp_path, output=output))
    assert (found["rows"], found["ok"], found["failed"]) == (LINES, 360, 40)
    assert found["body_bytes"] == sum(100 * n for n in range(1, LINES + 1) if n % 10)
    assert [(each["name"], each["rows"]) for each in found["outcomes"]] == [
        ("ok", 360),
        ("timeout", 40),
    ]
    assert found["failures"][0]["rows"] == 40
    assert not re.search("[\u202e\x1b]", json.dumps(found, ensure_ascii=False))
    assert found.keys() == set(PUBLIC_KEYS.split())


def test_the_page_in_a_browser(tmp_path: Path, browser: Any) -> None:
    out = make(tmp_path)
    page = tmp_path / "page.html"
    made = jobs.call("report", out, "-o", page)
    assert made.returncode == 0, made.stderr
    assert page.stat().st_size < 500_000
    wanted = figures(out)
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360)):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        tab = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        tab.on("console", lambda message: said.append(message.text))  # noqa: B023
        tab.on("pageerror", lambda error: said.append(str(error)))  # noqa: B023
        tab.on("dialog", lambda dialog: said.append(dialog.message))  # noqa: B023
        tab.on("request", lambda request: asked.append(request.url))  # noqa: B023
        tab.goto(page.as_uri())
        tab.wait_for_selector("#plot-rate canvas")
        assert said == []
        assert asked == [page.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        words = tab.inner_text("body")
        for share in wanted["outcomes"]:
            assert re.search(rf"{share['name']}\s+{share['rows']}\b", words), share
        assert "90.0 %" in words
        assert tab.locator("canvas").count() >= 4
        assert tab.locator("img").count() == 0
        context.close()


@pytest.mark.parametrize("outcome", [Outcome.INVALID_URL, Outcome.BLOCKED, Outcome.CONNECT])
@pytest.mark.parametrize("timed", [True, False])
def test_a_page_of_no_answer_at_all_says_so(tmp_path: Path, outcome: Outcome, timed: bool) -> None:
    rows = [
        Result(
            line,
            outs.url_of(line),
            outcome,
            error="refused",
            started_at=1_790_000_000 + line if timed else None,
            timings_ms=Timings(total=2.0) if timed else None,
            worker="w",
        )
        for line in (1, 2, 3)
    ]
    urls = outs.write_input(tmp_path / "urls.txt", len(rows))
    out = outs.make_out(tmp_path / "out", urls, rows)
    page = tmp_path / "page.html"
    made = jobs.call("report", out, "-o", page)
    assert (made.returncode, made.stderr) == (0, "")
    body = page.read_text("utf-8").partition("<body>")[2].partition("<script")[0]
    assert "no line had an answer" in body
    assert re.search(rf"{outcome.value}</th><td class=\"n\">3<", body)
    # No empty plot, no table without a row.
    assert 'id="plot-latency"' not in body
    assert not re.search(r"<tbody>\s*</tbody>", body)


def test_a_full_disk_leaves_the_old_page_and_no_temporary_file(tmp_path: Path) -> None:
    out = make(tmp_path)
    folder = tmp_path / "pages"
    folder.mkdir()
    page = folder / "page.html"
    page.write_text("before")
    # No file may grow beyond 4 KiB, as on a disk that is full.
    limited = ["prlimit", "--fsize=4096", *jobs.command("report", out, "-o", page)]
    done = subprocess.run(
        limited, capture_output=True, text=True, env=jobs.ENV, timeout=60, check=False
    )
    assert done.returncode == NoSpaceError.exit_code
    assert re.fullmatch(r".*page\.html: File too large.*\n", done.stderr)
    assert page.read_text() == "before"
    assert list(folder.iterdir()) == [page]


# How many pixels of a plot are of the colour that the style sheet calls so.
COLOURED = """([plot, name]) => {
    const canvas = document.querySelector(`#${plot} canvas`), of = canvas.getContext("2d");
    of.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    const pixels = of.getImageData(0, 0, canvas.width, canvas.height).data;
    const hex = (byte) => byte.toString(16).padStart(2, "0");
    let count = 0;
    for (let at = 0; at < pixels.length; at += 4) {
        count += "#" + [...pixels.slice(at, at + 3)].map(hex).join("") === of.fillStyle;
    }
    return count;
}"""


@pytest.mark.parametrize("lines", [1, 20])
def test_latencies_with_no_neighbour_are_drawn_as_points(
    tmp_path: Path, lines: int, browser: Any
) -> None:
    every_5_s = [
        msgspec.structs.replace(each, started_at=1_790_000_000 + 5.0 * each.line)
        for each in results(lines)
    ]
    urls = outs.write_input(tmp_path / "urls.txt", lines)
    page = tmp_path / "page.html"
    out = outs.make_out(tmp_path / "out", urls, every_5_s)
    assert jobs.call("report", out, "-o", page).returncode == 0
    tab = browser.new_page()
    tab.goto(page.as_uri())
    tab.wait_for_selector("#plot-latency canvas")
    # Of the three quantiles, which are the same here, the last one drawn is seen.
    wait_until(lambda: tab.evaluate(COLOURED, ["plot-latency", "p-dns"]) > 9 * lines, what="points")


def test_axes_of_bytes_are_marked_at_round_numbers(tmp_path: Path, browser: Any) -> None:
    page = tmp_path / "page.html"
    rows = [msgspec.structs.replace(each, body_bytes=each.line**3) for each in results(LINES)]
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", LINES), rows)
    assert jobs.call("report", out, "-o", page).returncode == 0
    tab = browser.new_page()
    tab.add_init_script(
        """window.drawn = [];
        const fillText = CanvasRenderingContext2D.prototype.fillText;
        CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
            window.drawn.push(text);
            fillText.call(this, text, ...more);
        };"""
    )
    tab.goto(page.as_uri())
    tab.wait_for_selector("#plot-sizes canvas")
    wait_until(lambda: "1 MiB" in tab.evaluate("drawn"), what="both axes")
    of_bytes = {each for each in tab.evaluate("drawn") if re.search(r"B$", each)}
    assert {"0 B", "1 KiB"} < of_bytes
    odd = [each for each in of_bytes if not re.fullmatch(r"\d{1,3}(\.5)? (B|KiB|MiB|GiB)", each)]
    assert not odd


def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert jobs.call("report", make(tmp_path), "-o", page).returncode == 0
    text = page.read_text("utf-8")
    assert "<img" not in text
    assert "default-src 'none'" in html.unescape(text)
    assert "unsafe" not in text.partition("</head>")[0].partition("<style")[0]
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", text)


def test_a_run_that_has_not_ended_or_not_begun_says_so(tmp_path: Path) -> None:
    half = jobs.call("report", make(tmp_path, 7), "--text")
    assert "7 of 400 lines" in half.stdout
    assert "stopped" in half.stdout
    (tmp_path / "none").mkdir()
    none = jobs.call("report", make(tmp_path / "none", 0), "-o", tmp_path / "none.html")
    assert none.returncode == 0, none.stderr
    assert "0 of 400" in none.stdout


def test_the_short_form_fits_its_terminal_and_does_nothing_to_it(tmp_path: Path) -> None:
    shown = jobs.call("report", make(tmp_path), "--text").stdout
    assert re.search(r"timeout\s+40\s+10.0 %", shown)
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: no such directory"),
        (["OUT", "-o", "."], "is a directory"),
        (["OUT", "-o", "nowhere/x.html"], "nowhere"),
        (["OUT", "-o", "x.html", "--text"], "--text"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    out = make(tmp_path)
    done = jobs.call("report", *(str(out) if each == "OUT" else each for each in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
