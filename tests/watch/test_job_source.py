"""A job in an OUT of this host: its ventilator is asked where one answers."""

from __future__ import annotations

import contextlib
from pathlib import Path

from fetcher.store.lock import DirectoryLock
from fetcher.watch.job_source import JobSource
from support import jobs
from support.outs import make_out, row, write_input
from support.waiting import wait_until


def test_of_a_job_that_runs_here_its_ventilator_tells_what_is_in_flight(tmp_path: Path) -> None:
    urls = [f"http://h{n % 7}.invalid/{n}?ms=50" for n in range(10_000)]
    out, listed = tmp_path / "out", jobs.write_urls(tmp_path / "urls.txt", urls)
    options = ("--workers=1", "--pool-size=20", f"--set=worker.transport={jobs.FAILING}")
    with jobs.running("run", listed, "-o", out, *options) as job:
        wait_until(lambda: jobs.committed(out) > 200, what="rows")
        with contextlib.closing(JobSource(out)) as source:
            first = source.look()
            assert first.title == f"urls.txt in {out}"
            assert first.job.phase == "running"
            assert first.job.is_live
            assert first.job.failed_lines, "those of the rows, before workers say theirs"
            wait_until(lambda: source.look().job.in_flight == 20, what="a full pool")
            wait_until(lambda: any(h.in_flight for h in source.look().job.hosts), what="hosts")
            assert jobs.call("run", listed, "-o", out).returncode == 4, "locked, in one line"
            job.process.terminate()
            assert job.wait()[0] == 3
            left = source.look().job
            assert (left.phase, left.in_flight) == ("stopped", None)
            assert left.rows == jobs.committed(out)


def test_where_the_ventilator_of_a_lock_is_not_the_files_are_read(tmp_path: Path) -> None:
    urls = write_input(tmp_path / "urls.txt", 5)
    out = make_out(tmp_path / "out", urls, [row(1)])
    for words in (f"ipc://{tmp_path}/v", "\0 no endpoint", ""):
        with DirectoryLock(out, note=words), contextlib.closing(JobSource(out)) as source:
            seen = source.look().job
        assert (seen.phase, seen.rows, seen.in_flight) == ("running", 1, None)
