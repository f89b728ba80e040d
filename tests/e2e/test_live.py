"""A running job is watched: in a browser, and with `fetcher top`."""

from __future__ import annotations

import json
import re
import shlex
import signal
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from support import jobs
from support.browser import terminal
from support.waiting import wait_until, wait_until_steady
from tools.ports import free_ports

LINES = 3000
HOSTILE = "'\"><script>document.title='owned'</script>"


def urlfile(tmp_path: Path, ms: int = 20) -> Path:
    urls = [
        f"http://h{n % 7}.test/{n}{HOSTILE if n % 10 == 0 else ''}?ms={ms}"
        for n in range(1, LINES + 1)
    ]
    return jobs.write_urls(tmp_path / "urls.txt", urls)


def options(port: int) -> list[str]:
    slow = [f"--set=worker.transport={jobs.FAILING}", "--workers=2", "--pool-size=8"]
    return [*slow, f"--web={port}", "--set=worker.heartbeat_s=0.3", "--batch-size=50"]


def live(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/live.json", timeout=30) as answer:
        moment: dict[str, Any] = json.load(answer)
    return moment


def shown(page: Any) -> int:
    """Lines done, as the page has them."""
    found = re.match(r"[\d,]+", page.inner_text("#done"))
    return int(found[0].replace(",", "")) if found else 0


def test_a_job_is_watched_paused_resumed_stopped_and_completed_in_a_browser(
    tmp_path: Path, browser: Any
) -> None:
    port = free_ports(1)
    out = tmp_path / "out"
    urls = urlfile(tmp_path, ms=40)  # so that it is not over before it is stopped
    said: list[str] = []
    with jobs.forked("run", urls, "-o", out, *options(port)) as job:
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        wait_until(lambda: _answers(port), what="the page")
        page.goto(f"http://127.0.0.1:{port}/")
        wait_until(lambda: shown(page) > 100, what="figures")
        first = shown(page)
        wait_until(lambda: shown(page) > first, what="figures that move")

        def steer(step: str) -> None:
            page.click(f"#{step}")
            page.click("#yes")

        steer("pause")
        wait_until(lambda: page.inner_text("#phase") == "paused", what="the pause")
        wait_until(lambda: page.inner_text("#in_flight") == "0", what="nothing in flight")
        at_rest = wait_until_steady(lambda: jobs.committed(out), for_s=0.5, what="the last rows")
        wait_until(lambda: shown(page) == at_rest, what="the figures of the job")
        assert at_rest < LINES
        look_at_the_page(page, port)
        word = live(port)["word"]
        assert job.kill("ventilator")
        wait_until(
            lambda: _answers(port) and live(port)["word"] != word, what="the next ventilator"
        )
        wait_until(lambda: live(port)["live"]["phase"] == "paused", what="its pause")
        wait_until(lambda: page.inner_text("#phase") == "paused", what="the same on the page")
        assert jobs.committed(out) == at_rest, "a pause outlives its ventilator"
        assert ": paused, " in jobs.call("status", out).stdout
        assert ": paused, " in jobs.call("report", out, "--text").stdout
        assert "the run is still going on" in jobs.call("verify", out).stdout
        network = "Failed to load resource: net::ERR_"
        assert [each for each in said if not each.startswith(network)] == []
        said.clear()

        steer("pause")  # which resumes
        wait_until(lambda: shown(page) > at_rest, what="the job to go on")
        steer("stop")
        code, _, error = job.wait(60)
        assert code == 3
        assert error.splitlines()[0] == f"fetcher: the job's page: http://127.0.0.1:{port}/"
        assert "stopped before the end; the same command resumes" in error
        wait_until(lambda: page.inner_text("#phase") == "stopped", what="the end, on the page")
        typed = ["fetcher", "run", str(urls), "-o", str(out), *options(port)]
        assert shlex.split(page.inner_text("#command")) == typed
        assert [each for each in said if not each.startswith(network)] == []
        with jobs.forked("run", urls, "-o", out, *options(port)) as again:
            wait_until(lambda: _answers(port), what="the page of the next run")
            page.goto(f"http://127.0.0.1:{port}/")
            assert again.wait(60)[0] == 0
        wait_until(lambda: page.inner_text("#phase") == "complete", what="the end, on the page")
        assert shown(page) == LINES
        assert page.inner_text("#percent") == "100.0 %"
    jobs.prove(out, urls)


def _answers(port: int) -> bool:
    try:
        return live(port)["live"] is not None
    except OSError:
        return False


def look_at_the_page(page: Any, port: int) -> None:
    """All of it is there, nothing of it is HTML of others, and it fits a phone."""
    told = live(port)["live"]
    rows = page.evaluate(
        "[...document.querySelectorAll('#outcomes tbody tr')]"
        ".map((row) => [row.cells[0].textContent, row.cells[1].textContent])"
    )
    assert told["totals"]["outcomes"] == {name: int(n.replace(",", "")) for name, n in rows}
    assert page.locator("#workers tbody tr").count() == len(told["workers"]) == 2
    hosts = {each["host"] for each in told["hosts"] if each["failed"]}
    assert len(hosts) >= 5
    assert hosts <= {f"h{n}.test" for n in range(7)}
    mishaps = page.inner_text("#mishaps")
    assert "<script>document.title='owned'</script><img src=x onerror=alert(1)>" in mishaps
    assert HOSTILE in mishaps
    assert not set(mishaps) & {"\x1b", "\u202e"}
    assert page.locator("main script, main img").count() == 0
    assert page.title() == "paused"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator(".uplot canvas").count() == 2


def test_top_shows_a_running_job_and_gives_the_terminal_back(tmp_path: Path) -> None:
    base = free_ports(6)
    at = f"tcp://127.0.0.1:{base}"
    out = tmp_path / "out"
    where = [f"--ventilator={at}", f"--sink=tcp://127.0.0.1:{base + 3}"]
    slow = [f"--set=worker.transport={jobs.FAILING}", "--pool-size=4", "--processes=1"]
    with (
        jobs.forked("sink", "-o", out, *where),
        jobs.forked("ventilator", urlfile(tmp_path, 30), *where, "--batch-size=50"),
        jobs.forked("worker", *where, *slow, "--set=worker.heartbeat_s=0.3"),
    ):
        wait_until(lambda: jobs.committed(out) > 50, what="rows")
        with terminal("top", at) as by_endpoint, terminal("top", out) as by_files:
            by_endpoint.until(lambda text: "4/4" in text and "h1.test" in text, "a busy worker")
            lines = by_endpoint.until(lambda text: "protocol" in text, "what failed")
            assert lines[0] == f"running  {at}"
            lines = by_files.until(lambda text: "failed lately" in text, "rows")
            assert "being fetched" not in "\n".join(lines)
            assert lines[0].startswith("running  urls.txt in ")
            first = lines[1]
            by_files.until(lambda text: first not in text, "figures that move")
            assert "known to its ventilator" in "\n".join(lines)
            by_files.resize(120, 30)
            by_files.until(lambda _: any(len(line) > 80 for line in by_files.lines()), "its width")
            lines = by_files.lines()
            assert any(len(line) > 80 for line in lines)
            by_files.type("q")
            by_endpoint.process.send_signal(signal.SIGINT)
            for each in (by_files, by_endpoint):
                assert each.end() == 0
                assert each.raw.endswith(b"\x1b[?25h\x1b[?1049l"), "the cursor, and what was there"
                assert each.is_as_before
        once = jobs.call("top", out)
        assert (once.returncode, once.stderr) == (0, "")
        assert "\x1b" not in once.stdout
        assert once.stdout.startswith("running  urls.txt in ")
        assert "failed lately" in once.stdout


def test_top_and_status_say_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    none = jobs.call("top", tmp_path)
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "no job was begun here" in none.stderr
    at = f"--ventilator=tcp://127.0.0.1:{free_ports(1)}"
    with jobs.forked("status", at, "--timeout=60") as waiting:
        wait_until(lambda: _waits(waiting.process.pid), what="the question to be asked")
        waiting.process.send_signal(signal.SIGINT)
        code, _, error = waiting.wait(60)
    assert code == 3
    assert error.strip() == "fetcher: status: stopped; a running job is not affected"


def _waits(pid: int) -> bool:
    """Whether it has its sockets' threads."""
    return psutil.Process(pid).num_threads() > 1
