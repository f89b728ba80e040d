"""A small run waits for nothing that it does not need."""

from __future__ import annotations

import time
from pathlib import Path

from support import jobs
from support.waiting import wait_until

NULL = "--set=worker.transport=null"
_LONG_S = 200.0


def test_the_first_and_the_last_rows_are_committed_at_once(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [f"http://test.invalid/{n}" for n in range(30)])
    began = time.monotonic()
    interval = f"--set=sink.commit_interval_s={_LONG_S:g}"
    done = jobs.call("run", urls, "-o", tmp_path / "out", NULL, "--batch-size=7", interval)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < _LONG_S / 2
    jobs.prove(tmp_path / "out", urls)


def test_one_worker_process_is_started_for_a_short_list(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/?ms=3000"])
    slow = f"--set=worker.transport={jobs.SLOW}"
    with jobs.running("run", urls, "-o", tmp_path / "out", slow) as job:
        wait_until((tmp_path / "out/manifest.json").exists, what="the job")
        assert len(job.role("worker")) == 1
        job.process.terminate()
        job.wait()
