"""conf/slurm/fetcher.sbatch, by a real Slurm of two nodes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import jobs
from support.slurm import NODES, Slurm, missing
from support.waiting import wait_until

SCRIPT = jobs.ROOT / "conf" / "slurm" / "fetcher.sbatch"
SIZES = ("--nodes=2", "--cpus-per-task=2", "--time=10")

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it can run")


@pytest.fixture
def slurm() -> Iterator[Slurm]:
    # A short path: munged's socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="slurm") as folder:
        cluster = Slurm(Path(folder))
        try:
            yield cluster
        finally:
            cluster.close()


@pytest.fixture
def program(tmp_path: Path) -> dict[str, str]:
    """The program that the script runs, of this tree."""
    path = tmp_path / "fetcher"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fetcher "$@"\n', "utf-8")
    path.chmod(0o755)
    return {**jobs.ENV, "FETCHER": str(path), "FETCHER_WORKER__TRANSPORT": jobs.SLOW}


def submit(slurm: Slurm, env: dict[str, str], folder: Path, *words: str) -> None:
    done = slurm.run("sbatch", *SIZES, *words, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr


def output(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in sorted(folder.glob("slurm-*.out")))


def test_slurm_would_run_the_script_as_it_is(slurm: Slurm, tmp_path: Path) -> None:
    done = slurm.run("sbatch", "--test-only", *SIZES, str(SCRIPT), "urls.txt", "out", cwd=tmp_path)
    assert done.returncode == 0 and "on nodes node[1-2]" in done.stderr, done.stderr


def test_a_job_over_two_nodes_has_a_row_for_each_line_and_leaves_nothing(
    slurm: Slurm, program: dict[str, str], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    texts = [f"http://h{n % 50}.invalid/{n}?ms=20" for n in range(2000)]
    urls = jobs.write_urls(tmp_path / "urls.txt", [*texts, f"http://last.invalid/?file={go}"])
    submit(slurm, program, tmp_path, str(SCRIPT), "urls.txt", "out")
    wait_until(lambda: "joined (4 now)" in output(tmp_path), 120, f"two workers on each of {NODES}")
    go.touch()
    wait_until(lambda: slurm.jobs() == [], 120, "the job's end")
    said = output(tmp_path)
    jobs.prove(tmp_path / "out", urls)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["fetcher", "go", "out", f"slurm-{slurm.job}.out", "urls.txt"], "no keys"
    assert "Traceback" not in said


def test_a_job_whose_time_is_over_stops_in_order_and_goes_on_later(
    slurm: Slurm, program: dict[str, str], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    texts = [f"http://h{n % 50}.invalid/{n}?ms=20" for n in range(500)]
    urls = jobs.write_urls(tmp_path / "urls.txt", [*texts, f"http://last.invalid/?file={go}"])
    submit(slurm, program, tmp_path, str(SCRIPT), "urls.txt", "out")
    wait_until(lambda: jobs.committed(tmp_path / "out") >= 400, 120, "the greater part of the rows")
    slurm.run("scancel", "--signal=USR1", "--batch", slurm.job)  # as --signal does before the limit
    wait_until(lambda: "is queued again" in output(tmp_path), 60, "the script's notice")
    wait_until(lambda: "PENDING" in slurm.jobs(), 60, "the job in the queue")
    go.touch()
    # A job that was queued again waits for two minutes; there is no reason to wait here.
    slurm.run("scontrol", "update", f"JobId={slurm.job}", "StartTime=now")
    wait_until(lambda: slurm.jobs() == [], 240, "the job's end")
    jobs.prove(tmp_path / "out", urls)
    assert "Traceback" not in output(tmp_path)


def submit_waiting(slurm: Slurm, env: dict[str, str], folder: Path) -> Path:
    """A job whose last lines, more than the workers of a node take at once, wait for `go`."""
    texts = [f"http://h{n % 50}.invalid/{n}?ms=20" for n in range(500)]
    waiting = [f"http://last.invalid/{n}?file={folder / 'go'}" for n in range(300)]
    urls = jobs.write_urls(folder / "urls.txt", [*texts, *waiting])
    options = ("--pool-size=50", "--set=worker.patience_s=4")
    submit(slurm, env, folder, str(SCRIPT), "urls.txt", "out", *options)
    wait_until(lambda: "joined (4 now)" in output(folder), 120, f"two workers on each of {NODES}")
    return urls


def test_a_job_goes_on_without_a_node_that_is_lost(
    slurm: Slurm, program: dict[str, str], tmp_path: Path
) -> None:
    urls = submit_waiting(slurm, program, tmp_path)
    slurm.lose("node2")
    wait_until(lambda: "Node failure on node2" in output(tmp_path), 60, "the failure")
    (tmp_path / "go").touch()
    wait_until(lambda: slurm.jobs() == [], 120, "the job's end")
    jobs.prove(tmp_path / "out", urls)
    assert output(tmp_path).count("the ventilator listens") == 1, "the job was not started again"


@pytest.mark.slow
def test_a_job_whose_first_node_is_lost_is_queued_again_and_resumes(
    slurm: Slurm, program: dict[str, str], tmp_path: Path
) -> None:
    urls = submit_waiting(slurm, program, tmp_path)
    slurm.lose("node1")
    wait_until(lambda: "PENDING" in slurm.jobs(), 120, "the job in the queue")
    slurm.find("node1")
    (tmp_path / "go").touch()
    slurm.run("scontrol", "update", f"JobId={slurm.job}", "StartTime=now")
    wait_until(lambda: slurm.jobs() == [], 240, "the job's end")
    jobs.prove(tmp_path / "out", urls)
