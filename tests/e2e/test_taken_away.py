"""If files of a running job are removed, it does not end with exit code 0."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from support import jobs
from support.waiting import wait_until
from tools.site.running import RunningSite

pytestmark = pytest.mark.promise

LINES = 400
OPTIONS = (
    "--workers=1",
    "--pool-size=20",
    "--batch-size=20",
    "--set=sink.commit_interval_s=0.05",
    "--set=sink.segment_bytes=20000",
    f"--set=worker.transport={jobs.SLOW}",
)


def unlink(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, 10)


def first(out: Path, pattern: str) -> Path:
    return min(path for path in out.glob(pattern) if path.is_file())


CASES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a full segment": ("results/part-00000.jsonl", unlink),
    "a full segment's end": ("results/part-00000.jsonl", cut),
    "the journal": ("journal.sqlite", unlink),
    "the lock": ("lock", unlink),
}


@pytest.mark.parametrize("what", CASES)
def test_a_job_that_lost_a_file_while_it_ran_is_damaged(tmp_path: Path, what: str) -> None:
    pattern, lose = CASES[what]
    urls = [f"http://test.invalid/{n}?ms=100" for n in range(LINES)]
    urlfile, out = jobs.write_urls(tmp_path / "urls.txt", urls), tmp_path / "out"
    with jobs.forked("run", urlfile, "-o", out, *OPTIONS) as job:
        wait_until(lambda: list(out.glob("results/part-00001.jsonl")), what="a second segment")
        path = first(out, pattern)
        lose(path)
        code, _, error = job.wait(60)
    assert code == 5, error
    assert path.name in error
    assert "Traceback" not in error
    assert json.loads((out / "manifest.json").read_text())["state"] == "running"


def test_a_job_that_lost_a_body_while_it_ran_is_damaged(tmp_path: Path, site: RunningSite) -> None:
    urls = [f"{site.url('')}/page/{n}" for n in range(60)] + [f"{site.url('')}/latency/800"]
    urlfile, out = jobs.write_urls(tmp_path / "urls.txt", urls), tmp_path / "out"
    options = (*OPTIONS[:-1], "--set=output.bodies=files")
    with jobs.forked("run", urlfile, "-o", out, *options) as job:
        wait_until(lambda: list(out.glob("bodies/??/??/*")), what="a body")
        path = first(out, "bodies/??/??/*")
        path.unlink()
        code, _, error = job.wait(60)
    assert code == 5, error
    assert path.name in error


def test_a_resume_refuses_an_edited_manifest_in_one_line(tmp_path: Path) -> None:
    urls = [f"http://test.invalid/{n}?ms=100" for n in range(LINES)]
    urlfile, out = jobs.write_urls(tmp_path / "urls.txt", urls), tmp_path / "out"
    with jobs.forked("run", urlfile, "-o", out, *OPTIONS) as job:
        wait_until(lambda: jobs.committed(out) > 0, what="rows")
        job.process.send_signal(signal.SIGTERM)
        assert job.wait(60)[0] == 3
    text = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**text, "batch_size": 7}))
    done = jobs.call("run", urlfile, "-o", out, *OPTIONS)
    assert done.returncode == 5, done.stderr
    (said,) = done.stderr.strip().splitlines()
    assert "batch_size is 7, and the job was begun with 20" in said
