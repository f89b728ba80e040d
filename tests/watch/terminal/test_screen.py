"""What `fetcher top` shows, on terminals of every size."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from fetcher.model import Outcome
from fetcher.protocol.messages import FailedLine, HostLoad, Member, RouteLoad
from fetcher.protocol.totals import Totals
from fetcher.watch.crawl_view import CrawlView
from fetcher.watch.files_view import FilesView
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.screen import screen, sparkline
from fetcher.watch.terminal.view import View
from support.outs import make_out, row, write_input

HOSTILE = "http://h.test/\x1b[2J\x07\u202e[bold]\n" + "x" * 500


def view(title: str = HOSTILE, **more: object) -> View:
    fields: dict[str, object] = {
        "job": "j",
        "phase": "running",
        "rows": 1234,
        "url_lines": 5000,
        "url_lines_exact": False,
        "rate_per_s": 99.6,
        "left_s": 61.0,
        "left_is_least": False,
        "totals": Totals(1234, {"ok": 1200, "dns": 30, "tls": 4}, {200: 1200, 0: 34}, 2048),
        "hosts": [HostLoad(HOSTILE, 2, 1, 3)] * 10,
        "workers": [Member(HOSTILE, 0.5, 3, 2, 4, 5, 0, 1, 9.5)] * 30,
        "unlisted": 5,
        "failed_lines": [FailedLine(n, "dns", 0, HOSTILE, HOSTILE) for n in range(1, 21)],
        "in_flight": 77,
        "parked": 5,
        **more,
    }
    return View(title, JobView(**fields))  # type: ignore[arg-type]


def drawn(shown: View, width: int, height: int | None) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    console.print(screen(shown, [1.0, 2.0], width, height, "q: quit"))
    return file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (100, 30), (200, 60), (40, 15), (20, 10), (80, None)]
)
@pytest.mark.parametrize("trouble", ["", HOSTILE])
def test_every_size_is_kept_and_nothing_hostile_gets_through(
    width: int, height: int | None, trouble: str
) -> None:
    lines = drawn(view(trouble=trouble), width, height)
    assert len(lines) <= max(height or 60, 15)  # of a smaller screen, the end is cut off
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "q: quit" in lines[-1]
    assert "running" in lines[0]


def test_the_figures_are_there_at_80_by_24() -> None:
    text = "\n".join(drawn(view(), 80, 24))
    for said in ("1,234 of about 5,000 lines (24.7 %), 1 min 01 s left", "99.6 lines/s now", "dns"):
        assert said in text
    for said in (
        "77 being fetched · 120 waiting for a free slot · 5 waiting",
        "bodies 2.0 KiB",
        "97.2 %",
        "2/3",
        "failed lately",
    ):
        assert said in text
    assert "worker (+" in text
    assert "[bold]" in text


def test_routes_with_waiting_lines_have_one_line_those_without_workers_first() -> None:
    busy, idle, done = (
        RouteLoad("busy", 2, 1, 10, 5000),
        RouteLoad("left" + HOSTILE[:1], 0, 0, 0, 30),
        RouteLoad("done", 1, 0, 0, 0),
    )
    lines = drawn(view(routes=[busy, idle, done]), 80, 24)
    (said,) = (line for line in lines if "route " in line)
    assert said.startswith("route left")
    assert "30 waiting, no worker · route busy: 5,000 waiting" in said
    assert "done" not in said
    assert len(lines) <= 24
    assert not [line for line in drawn(view(routes=[done]), 80, 24) if "route " in line]
    many = [RouteLoad(f"r{n}", 1, 1, 1, 10) for n in range(32)]
    (said,) = (line for line in drawn(view(routes=many), 80, 24) if "route " in line)
    assert len(said) <= 80 and said.rstrip().endswith("waiting")


def test_a_host_that_rests_says_for_how_long_and_why() -> None:
    shown = view(hosts=[HostLoad("h.test", 0, 40, 3, 28.0, "503")])
    text = "\n".join(drawn(shown, 80, 24))
    assert re.search(r"rests for", text)
    assert re.search(r"h\.test .*28 s after 503", text)
    assert re.search(r"h\.test +0 +40 +3 +28 s after 503", "\n".join(drawn(shown, 120, 24)))


def test_hosts_are_cut_in_the_middle_and_keep_their_port() -> None:
    host = "a-rather-long-name-of-some-shop.example.com:65535"
    shown = view(hosts=[HostLoad(host, 2, 1, 3)])
    (line,) = (line for line in drawn(shown, 80, 24) if ":65535" in line)
    assert re.search(r" a-rather\S*…\S*:65535 +2 +1 +3 *$", line)
    (line,) = (line for line in drawn(shown, 20, 40) if ":65535" in line)
    assert re.fullmatch(r"a-rath\S*…\S*:65535 *", line)


@pytest.mark.parametrize("height", [10, 24, 50])
@pytest.mark.parametrize("width", range(16, 100, 3))
def test_no_number_is_cut_at_any_width(width: int, height: int) -> None:
    n = 12_345_678
    shown = view(
        title="t",
        totals=Totals(n, {"ok": n}, {200: n, 404: n}, 2048),
        rows=n,
        url_lines=n,
        hosts=[HostLoad("h", n, n, n)],
        workers=[Member("w", 0.5, n, n, n, n, 0, n, float(n))] * 3,
        failed_lines=[FailedLine(n, "dns", 0, "http://u/", "e")] * 20,
        in_flight=n,
        redelivered=n,
        crawl=CrawlView(n, n, {0: n, 1: n}, {"max_pages_per_host": n, "deny": n}),
    )
    text = "\n".join(drawn(shown, width, height))
    assert not re.search(r"\d[,.]?…", text)
    assert set(re.findall(r"\b12[,3][\d,/]*", text)) <= {
        "12,345,678",
        "12345678",
        "12345678/12345678",
    }


def test_what_is_shown_of_many_outcomes_is_in_order_and_the_rest_is_one() -> None:
    outcomes = {"tls": 4, "dns": 30, "timeout": 50, "ok": 1100, "robots": 20, "connect": 10}
    text = "\n".join(drawn(view(totals=Totals(1214, {**outcomes}, {200: 1100, 0: 114}, 0)), 80, 24))
    assert re.findall(r"^(\w+) +[\d,]+ +[\d.]+ %", text, re.M) == ["ok", "dns", "timeout", "others"]
    assert "statuses 200: 1,100" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (40, 30), (200, 60)])
def test_a_crawl_shows_its_depths_and_why_links_are_not_followed(width: int, height: int) -> None:
    crawl = CrawlView(3490, 9, {0: 300, 1: 2701}, {"max_pages_per_host": 1051, "scope": 9})
    job = view(crawl=crawl, url_lines=None, left_s=None, parked=34_567, leases=33, redelivered=900)
    lines = [line.rstrip() for line in drawn(job, width, height)]
    (refused,) = (line for line in lines if "not followed" in line)
    wide, narrow = (
        "links not followed: max_pages_per_host 1,051 · scope 9",
        "max_pages_per_host 1,051",
    )
    assert refused == (wide if width >= 80 else f"not followed: {narrow}")
    assert ("depths 0: 300 · 1: 2,701" in lines) == (height > 10)


def test_a_sparkline_is_of_the_newest_rates() -> None:
    assert sparkline([], 5) == ""
    assert sparkline([0.0, 0.0], 5) == "▁▁"
    assert sparkline([9.0, 0.0, 4.0, 8.0], 3) == "▁▅█"


def test_without_a_ventilator_no_hosts_and_workers_are_shown(
    tmp_path: Path,
) -> None:
    urls = write_input(tmp_path / "urls.txt", 20)
    rows = [row(n, Outcome.DNS if n == 7 else Outcome.OK) for n in range(1, 17)]
    view = FilesView(make_out(tmp_path / "out", urls, rows)).look()
    job = view.job
    assert (job.in_flight, job.leases, job.hosts, job.workers) == (None, None, [], [])
    for width in (40, 80, 120):
        lines = drawn(view, width, 24)
        text = "\n".join(lines)
        assert re.search(r"^outcome", text, re.M)
        assert "failed lately" in text
        assert re.search(r"\b200 +15 +100\.0 %", text), "statuses take the place of hosts"
        assert not re.search(r"host|worker|in flight|being fetched", text)
        assert len(lines) <= 24


def test_without_an_answer_there_is_no_table_of_statuses(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 2)
    view = FilesView(make_out(tmp_path / "out", urls, [row(1, Outcome.DNS, status=None)])).look()
    assert "status" not in "\n".join(drawn(view, 120, 24))
