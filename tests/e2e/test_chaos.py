"""Whatever is killed, and whenever, each line gets one row, and the job ends."""

from __future__ import annotations

import functools
import random
import signal
import time
from pathlib import Path

import pytest

from support import jobs
from support.pages import metric
from support.waiting import wait_until
from tools.ports import free_ports
from tools.site.running import RunningSite

pytestmark = pytest.mark.promise

CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL)
ROLES = ("worker", "ventilator", "sink")
FAST = (
    "--workers=2",
    "--pool-size=16",
    "--batch-size=20",
    "--set=lease.silent_s=2",
    "--set=lease.finished_s=3",
    "--set=sink.commit_interval_s=0.05",
)
FROZEN_S = 5.0  # longer than every lease of FAST


def mixed_urls(site: RunningSite, count: int) -> list[str]:
    """Pages of all kinds, mixed with comments and lines that are not URLs."""
    urls = [site.url(f"/page/{n}") for n in range(count)]
    urls += [site.url("/latency/50") for _ in range(count // 4)]
    random.Random(7).shuffle(urls)
    for position, text in enumerate(("# a comment", "", "ftp://example.invalid/", "no url at all")):
        urls.insert(position * count // 5, text)
    return urls


def chaos(job: jobs.Running, roles: tuple[str, ...], seed: int, kills: int) -> int:
    """kill -9 of random roles at random moments; the number of processes that were killed."""
    dice = random.Random(seed)
    met = 0
    for _ in range(kills * 3):
        time.sleep(dice.uniform(0.05, 0.6))
        if job.process.poll() is not None or met >= kills:
            break
        met += job.kill(dice.choice(roles))
    return met


@pytest.mark.parametrize("roles", [("worker",), ("ventilator",), ("sink",), ROLES])
def test_kill_9_of_roles_in_the_middle_costs_no_row(
    site: RunningSite, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 800))
    with jobs.running("run", urls, "-o", tmp_path / "out", *FAST) as job:
        wait_until(lambda: jobs.committed(tmp_path / "out") > 0, what="the first commit")
        met = chaos(job, roles, seed=len(roles), kills=4)
        code, _, error = job.wait(120)
    assert code == 0, error
    assert met >= 2, "the job was over before anybody was killed"
    jobs.prove(tmp_path / "out", urls)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_workers_that_crash_at_any_moment_do_not_stop_the_job(
    site: RunningSite, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 2000))
    longest_s = dice.choice((0.3, 1.0, 3.0))  # a worker's life
    with jobs.running("run", urls, "-o", tmp_path / "out", *FAST) as job:
        for _ in range(25):
            time.sleep(dice.uniform(0.05, longest_s))
            job.signal("worker", dice.choice(CRASHES))
        code, _, error = job.wait(60)
    assert code == 0, error
    jobs.prove(tmp_path / "out", urls)


def test_kill_9_of_everything_and_the_same_command_again_and_again(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 1500))
    out = tmp_path / "out"
    before = -1
    for _ in range(3):
        with jobs.running("run", urls, "-o", out, *FAST) as job:
            wait_until(functools.partial(_more_than, out, before), what="progress")
            children = [child for role in ROLES for child in job.role(role)]
            job.process.kill()
            for child in children:
                child.kill()
        before = jobs.committed(out)
    with jobs.running("run", urls, "-o", out, *FAST) as job:
        code, _, error = job.wait(120)
    assert code == 0, error
    jobs.prove(out, urls)


def test_only_the_supervisor_killed_and_the_same_command_at_once(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 600))
    out = tmp_path / "out"
    with jobs.running("run", urls, "-o", out, *FAST) as first:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        first.process.kill()
        with jobs.running("run", urls, "-o", out, *FAST) as job:
            code, _, error = job.wait(120)
    assert code == 0, error
    jobs.prove(out, urls)


def _more_than(out: Path, rows: int) -> bool:
    return jobs.committed(out) > rows


def test_children_leave_when_their_supervisor_is_killed(site: RunningSite, tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url("/latency/200")] * 500)
    with jobs.running("run", urls, "-o", tmp_path / "out", *FAST) as job:
        wait_until(lambda: jobs.committed(tmp_path / "out") > 0, what="the first commit")
        children = [child for role in ROLES for child in job.role(role)]
        assert len(children) == 4
        job.process.kill()
        wait_until(lambda: not any(map(_lives, children)), 60, "the children to leave")


def _lives(process: object) -> bool:
    return bool(process.is_running()) and process.status() != "zombie"  # type: ignore[attr-defined]


def test_a_worker_frozen_past_its_lease_and_back_changes_nothing(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 1000))
    port = free_ports(1)
    metrics = f"--set=metrics.ventilator_port={port}"
    with jobs.forked("run", urls, "-o", tmp_path / "out", *FAST, metrics) as job:
        wait_until(lambda: jobs.committed(tmp_path / "out") > 0, what="the first commit")
        frozen = job.role("worker")[0]
        frozen.send_signal(signal.SIGSTOP)
        handed_out_again = "fetcher_ventilator_redelivered_lines_total"
        wait_until(lambda: metric(port, handed_out_again) > 0, what="its lines to be handed out")
        frozen.send_signal(signal.SIGCONT)
        code, _, error = job.wait(120)
    assert code == 0, error
    jobs.prove(tmp_path / "out", urls)


def test_a_frozen_sink_freezes_the_job_until_it_is_back(site: RunningSite, tmp_path: Path) -> None:
    urls = jobs.write_urls(
        tmp_path / "urls.txt", [site.url(f"/latency/{n % 60}") for n in range(3000)]
    )
    out = tmp_path / "out"
    options = (*FAST, "--set=lease.sink_silent_s=1")
    site.reset()
    with jobs.forked("run", urls, "-o", out, *options) as job:
        wait_until(lambda: jobs.committed(out) > 0, what="the first commit")
        sink = job.role("sink")[0]
        sink.send_signal(signal.SIGSTOP)
        time.sleep(FROZEN_S)
        assert job.process.poll() is None
        sink.send_signal(signal.SIGCONT)
        code, _, error = job.wait(120)
    assert code == 0, error
    assert "the sink does not answer" in error
    jobs.prove(out, urls)
    fetched = sum(site.hits().values())
    assert fetched < 3000 * 1.2, "a frozen sink must not cause a storm of refetches"


def test_a_url_that_kills_its_worker_is_isolated_and_recorded(tmp_path: Path) -> None:
    lines = [f"http://test.invalid/{n}" for n in range(300)]
    lines[137] = "http://test.invalid/kill"
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    deadly = f"--set=worker.transport={jobs.DEADLY}"
    options = (*FAST, deadly, "--set=lease.poison_deaths=2")
    with jobs.forked("run", urls, "-o", tmp_path / "out", *options) as job:
        code, _, error = job.wait(120)
    assert code == 0, error
    found = jobs.prove(tmp_path / "out", urls)
    assert [row.line for row in found if row.outcome == "crashed"] == [138]
    assert sum(row.outcome == "ok" for row in found) == 299


def test_a_url_that_hangs_its_worker_is_ended_by_the_watchdog(tmp_path: Path) -> None:
    lines = [f"http://test.invalid/{n}" for n in range(60)]
    lines[10] = "http://test.invalid/hang"
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    options = (
        *FAST,
        f"--set=worker.transport={jobs.DEADLY}",
        "--set=worker.watchdog_s=1.5",
        "--set=lease.poison_deaths=2",
    )
    with jobs.running("run", urls, "-o", tmp_path / "out", *options) as job:
        code, _, error = job.wait(120)
    assert code == 0, error
    found = jobs.prove(tmp_path / "out", urls)
    assert [row.line for row in found if row.outcome == "crashed"] == [11]


def test_a_defective_transport_costs_no_line_its_row(tmp_path: Path) -> None:
    lines = [f"http://test.invalid/{n}" for n in range(60)]
    lines[7] = "http://test.invalid/raise"
    lines[20] = "http://test.invalid/nothing"
    lines[33] = "http://test.invalid/unwritable"
    lines[40] = "http://test.invalid/late"
    lines[41] = "http://test.invalid/odd-kind"
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    options = (*FAST, f"--set=worker.transport={jobs.DEADLY}", "--set=lease.poison_deaths=2")
    with jobs.forked("run", urls, "-o", tmp_path / "out", *options) as job:
        code, _, error = job.wait(60)
    assert code == 0, error
    bad = {row.line: row for row in jobs.prove(tmp_path / "out", urls) if row.outcome != "ok"}
    assert {line: (row.outcome, row.error_kind) for line, row in bad.items()} == {
        8: ("protocol", "internal"),
        21: ("protocol", "internal"),
        34: ("crashed", "died"),
        41: ("timeout", "other"),
        42: ("protocol", "internal"),
    }
    assert "outcome ok has no error_kind 'expired'" in (bad[42].error or "")
    assert bad[8].error == "the fetcher itself failed: RuntimeError: as asked for"
    assert bad[21].error is not None
    assert "not a Result" in bad[21].error


def test_rows_of_megabytes_do_not_add_up_to_a_message_that_no_socket_takes(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [f"http://h/huge/{n}" for n in range(88)])
    options = ("--workers=1", "--batch-size=88", "--set=worker.chunk_interval_s=60")
    with jobs.forked(
        "run", urls, "-o", tmp_path / "out", *options, f"--set=worker.transport={jobs.DEADLY}"
    ) as job:
        code, _, error = job.wait(60)
    assert code == 0, error
    jobs.prove(tmp_path / "out", urls)


@pytest.mark.slow
def test_a_fetch_that_never_ends_in_a_living_worker_is_isolated(tmp_path: Path) -> None:
    lines = [f"http://test.invalid/{n}" for n in range(60)]
    lines[10] = "http://test.invalid/endless"
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    options = (*FAST, f"--set=worker.transport={jobs.DEADLY}", "--set=lease.poison_deaths=2")
    with jobs.running(
        "run", urls, "-o", tmp_path / "out", *options, "--set=http.total_timeout_s=0.5"
    ) as job:
        code, _, error = job.wait(300)
    assert code == 0, error
    found = jobs.prove(tmp_path / "out", urls)
    assert [row.line for row in found if row.outcome == "crashed"] == [11]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_long_chaos(site: RunningSite, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    urls = jobs.write_urls(tmp_path / "urls.txt", mixed_urls(site, 6000))
    out = tmp_path / "out"
    for _ in range(40):
        with jobs.running("run", urls, "-o", out, *FAST) as job:
            chaos(job, ROLES, seed=dice.randrange(1 << 30), kills=dice.randrange(1, 12))
            if dice.random() < 0.5 and job.process.poll() is None:
                job.process.kill()
                continue
            if job.wait(300)[0] == 0:
                break
    jobs.prove(out, urls)
