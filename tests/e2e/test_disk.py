"""On a full disk, nothing is acknowledged; the job completes when there is room again."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import jobs
from support.pages import get, is_failing
from support.waiting import wait_until
from tools.ports import free_ports

pytestmark = pytest.mark.promise

LINES = 20_000
OPTIONS = ("--workers=1", "--set=worker.transport=null", "--set=lease.sink_silent_s=1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB of its own."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not permitted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def urls_in(path: Path) -> Path:
    return jobs.write_urls(path, [f"http://test.invalid/{n}" for n in range(LINES)])


def test_a_full_disk_pauses_the_job_until_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    urls = urls_in(tmp_path / "urls.txt")
    out = small_disk / "out"
    port = free_ports(1)
    options = (*OPTIONS, "--set=sink.commit_bytes=200_000", f"--set=metrics.sink_port={port}")
    with jobs.forked("run", urls, "-o", out, *options) as job:
        wait_until(lambda: is_failing(port), what="the disk to be full")
        assert job.process.poll() is None
        remount = ["mount", "-o", "remount,size=64m", str(small_disk)]
        subprocess.run(remount, check=True)
        code, _, error = job.wait(60)
    assert code == 0, error
    assert "disk full" in error
    assert "room again" in error
    jobs.prove(out, urls)


def test_a_file_size_limit_is_taken_as_a_full_disk(tmp_path: Path) -> None:
    urls = urls_in(tmp_path / "urls.txt")
    out = tmp_path / "out"
    lines = urls.read_text().splitlines()
    slow = [f"{url}?ms=50" for url in lines[:2000]]
    jobs.write_urls(urls, slow)
    port = free_ports(1)
    options = ["--workers=1", "--pool-size=50", f"--set=worker.transport={jobs.SLOW}"]
    options += [f"--set=metrics.sink_port={port}"]
    with jobs.forked("run", urls, "-o", out, *options) as job:
        wait_until(lambda: jobs.committed(out) > 100, what="rows")
        sink = job.role("sink")[0]
        size = (out / "results" / "part-00000.jsonl").stat().st_size
        unlimited = sink.rlimit(resource.RLIMIT_FSIZE)
        sink.rlimit(resource.RLIMIT_FSIZE, (size + 10_000, unlimited[1]))
        assert get(port, "/healthz")[0] == 200
        wait_until(lambda: is_failing(port), what="the limit to bite")
        status, _, said = get(port, "/healthz")
        assert status == 503
        assert b"disk full" in said
        assert b"\nfetcher_sink_stalled 1.0\n" in get(port, "/metrics")[2]
        sink.rlimit(resource.RLIMIT_FSIZE, unlimited)
        code, _, error = job.wait(60)
    assert code == 0, error
    assert "disk full" in error
    jobs.prove(out, urls)


def test_a_job_stopped_on_a_full_disk_resumes_when_there_is_room(
    tmp_path: Path, small_disk: Path
) -> None:
    urls = urls_in(tmp_path / "urls.txt")
    out = small_disk / "out"
    port = free_ports(1)
    metrics = f"--set=metrics.sink_port={port}"
    small_commits = "--set=sink.commit_bytes=200_000"
    with jobs.forked("run", urls, "-o", out, *OPTIONS, metrics, small_commits) as job:
        wait_until(lambda: is_failing(port), what="the disk to be full")
        job.process.terminate()
        assert job.wait(60)[0] == 3
    with jobs.forked("run", urls, "-o", out, *OPTIONS, metrics) as job:
        wait_until(lambda: is_failing(port), what="the sink to find it as full as before")
        assert job.process.poll() is None
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        code, _, error = job.wait(60)
    assert code == 0, error
    assert "disk full" in error
    jobs.prove(out, urls)


def fill(disk: Path, free_kib: int) -> Path:
    """Leave so much room on it, and no more."""
    filler = disk / "filler"
    free = os.statvfs(disk)
    taken = free.f_bavail * free.f_frsize - free_kib * 1024
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, taken)
    return filler


def try_little_room(tmp_path: Path, disk: Path, free_kib: int) -> None:
    """A job that begins with so much room: it says so and ends with 3, or waits, or just fits.

    With more room the same command, or the one that waits, completes it.
    """
    urls = jobs.write_urls(tmp_path / "urls.txt", [f"http://test.invalid/{n}" for n in range(300)])
    out = disk / "out"
    filler = fill(disk, free_kib)
    with jobs.forked("run", urls, "-o", out, *OPTIONS) as job:
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.process.wait(5)
        ended = job.process.poll()
        filler.unlink()
        code, _, error = job.wait(60)
    assert "Traceback" not in error
    if ended is None:
        assert code == 0, f"{free_kib} KiB: {code}, {error}"
    elif code:
        assert code == 3, f"{free_kib} KiB: {code}, {error}"
        assert "no space left on device" in error.lower()
        again = jobs.call("run", urls, "-o", out, *OPTIONS)
        assert again.returncode == 0, f"{free_kib} KiB: {again.stderr}"
    jobs.prove(out, urls)


@pytest.mark.parametrize("free_kib", [0, 16])
def test_little_room_at_the_start_is_reported_and_loses_no_row(
    tmp_path: Path, small_disk: Path, free_kib: int
) -> None:
    try_little_room(tmp_path, small_disk, free_kib)


@pytest.mark.slow
@pytest.mark.parametrize("free_kib", range(4, 257, 4))
def test_however_little_room_there_is_at_the_start_it_costs_no_row(
    tmp_path: Path, small_disk: Path, free_kib: int
) -> None:
    try_little_room(tmp_path, small_disk, free_kib)
