"""run, status, top, the report and the API show the same average rate of a job."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from fetcher import humanize
from fetcher.api import Job
from support import jobs
from support.waiting import wait_until

SLOW = ("--workers=1", "--pool-size=4", "--batch-size=20", f"--set=worker.transport={jobs.SLOW}")


def figures(command: str, out: Path) -> dict[str, Any]:
    done = jobs.call(command, out, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_command_says_the_same_average_of_an_interrupted_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"http://test.invalid/{n}?ms=20" for n in range(400)]
    urls, out = jobs.write_urls(tmp_path / "urls.txt", lines), tmp_path / "out"
    with jobs.forked("run", urls, "-o", out, *SLOW) as first:
        wait_until(lambda: jobs.committed(out) > 40, what="some rows")
        first.process.send_signal(signal.SIGINT)
        assert first.wait()[0] == 3
    stopped = figures("status", out)
    assert stopped["rate_per_s"] is None, "it does not run"
    assert stopped["average_per_s"] == pytest.approx(stopped["rows"] / stopped["worked_s"])

    done = jobs.call("run", urls, "-o", out, *SLOW)
    assert done.returncode == 0, done.stderr
    status, report = figures("status", out), figures("report", out)
    average = status["average_per_s"]
    assert report["average_per_s"] == average == 400 / status["worked_s"]
    said = f"{humanize.rate(average)} lines/s on average"
    assert re.search(
        rf"^rate +{re.escape(said)} \(400 lines in .*\); this run: \d+ lines in", done.stdout, re.M
    )
    for command in (("status", out), ("top", out, "--once"), ("report", out, "--text")):
        assert said in jobs.call(*command).stdout

    for name, value in jobs.ENV.items():
        monkeypatch.setenv(name, value)
    with Job(str(urls), out=out) as job:
        progress = job.wait(60)
    assert (progress.state, progress.average_per_s) == ("complete", average)
    assert progress.rate_per_s is None


def test_a_running_job_has_a_rate_now_and_an_average(tmp_path: Path) -> None:
    lines = [f"http://test.invalid/{n}?ms=50" for n in range(4000)]
    urls, out = jobs.write_urls(tmp_path / "urls.txt", lines), tmp_path / "out"
    with jobs.forked("run", urls, "-o", out, *SLOW):
        wait_until(lambda: jobs.committed(out) > 80, what="some rows")
        wait_until(lambda: (figures("status", out)["rate_per_s"] or 0) > 0, what="a rate")
        status = figures("status", out)
        assert status["state"] == "running"
        assert status["average_per_s"] > 0
        said = jobs.call("status", out).stdout
    assert re.search(r"lines/s now, [\d.,]+ lines/s on average", said)
