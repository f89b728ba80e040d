"""`Job`: started, watched, stopped and resumed by a program."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fetcher.api import Job, Progress
from fetcher.errors import ConflictError, DamageError, StoppedError, UsageError
from support import jobs
from support.programs import SLOW, urls
from support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("temporary")


def test_its_progress_goes_from_new_to_complete(tmp_path: Path) -> None:
    job = Job(urls(500, ms=50), out=tmp_path / "out", settings=SLOW)
    assert job.progress == Progress()
    with job:
        wait_until(lambda: job.progress.state == "running", what="running")
        assert job.progress.total == 500
        assert job.progress.workers <= 1
        end = job.wait()
    assert (end.state, end.rows, end.total, end.total_exact) == ("complete", 500, 500, True)
    assert (end.outcomes, end.statuses, end.in_flight) == ({"ok": 500}, {200: 500}, 0)
    assert end.ended
    assert job.progress == end
    assert job.out == tmp_path / "out"
    assert repr(job) == f"<Job complete, 500 rows in {tmp_path / 'out'}>"


def test_rows_may_be_read_again_and_by_several_at_once() -> None:
    with Job(urls(100, ms=10), settings=SLOW) as job:
        found: list[list[int]] = []
        readers = [
            threading.Thread(target=lambda: found.append([row.line for row in job.rows()]))
            for _ in range(3)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)
        found.append([row.line for row in job.rows()])
    assert len(found) == 4
    assert all(lines == found[0] for lines in found)
    assert sorted(found[0]) == list(range(1, 101))
    with pytest.raises(UsageError, match="its rows are gone; give it out="):
        job.rows()


def test_stop_commits_requests_in_flight_and_readers_get_an_error(tmp_path: Path) -> None:
    out = tmp_path / "out"
    job = Job(urls(300, ms=200), out=out, settings=SLOW)
    seen: list[int] = []
    with pytest.raises(StoppedError, match=r"the same job with out='.*out' resumes"):
        for row in job.rows():
            if not seen:
                threading.Thread(target=job.stop).start()
            seen.append(row.line)
    progress = job.stop()
    assert (progress.state, progress.rows) == ("stopped", len(seen))
    # Those that were in flight have their rows, and not only the first to come.
    assert 16 <= len(seen) < 300
    with pytest.raises(StoppedError):
        job.wait()
    with Job(urls(300, ms=200), out=out, settings={**SLOW, "worker.pool_size": 300}) as again:
        assert again.wait().rows == 300


def test_wait_gives_the_progress_after_the_time() -> None:
    with Job(urls(50, ms=500), settings=SLOW) as job:
        assert not job.wait(0.1).ended
    assert job.progress.state == "stopped"


def test_what_a_role_refuses_is_an_error_and_no_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lists = [jobs.write_urls(tmp_path / f"{n}.txt", list(urls(n))) for n in (5, 6)]
    with Job(lists[0], out=tmp_path / "out", settings=SLOW) as job:
        job.wait()
    with (
        Job(lists[1], out=tmp_path / "out", settings=SLOW) as other,
        pytest.raises(
            ConflictError, match=r"belongs to another job, begun on .* UTC with .*/5\.txt"
        ),
    ):
        other.wait()
    assert other.progress.state == "failed"
    assert caplog.text == ""


def test_damage_is_an_error(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Job(urls(20), out=out, settings=SLOW) as job:
        job.wait()
    (out / "results" / "part-00000.jsonl").write_bytes(b"")
    with (
        Job(urls(20), out=out, settings=SLOW) as again,
        pytest.raises(DamageError, match=r"part-00000\.jsonl: \d+ bytes were committed"),
    ):
        again.wait()


def test_closing_again_or_before_the_start_does_nothing() -> None:
    job = Job(urls(5), settings=SLOW)
    job.close()
    assert job.stop() == Progress()
    assert job.wait().rows == 5
    job.close()
    job.close()
    assert job.stop().rows == 5
