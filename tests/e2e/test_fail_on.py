"""`--fail-on`: an exit code of its own if rows of a complete job have certain outcomes."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fetcher.cli.fail_on import require_none
from fetcher.errors import FailedRowsError
from fetcher.input.outcomes import FAILED, outcomes_named
from fetcher.protocol.totals import Totals
from support import jobs
from support.waiting import wait_until

QUICK = ("--workers=1", "--batch-size=3", "-q")


def mixed(path: Path) -> Path:
    """A list whose rows are blocked (6) and invalid_url (2); nothing is ever sent."""
    private = [f"http://10.0.0.1/{n}" for n in range(6)]
    return jobs.write_urls(path, [*private[:3], "no url", *private[3:], "www.example.org"])


def test_it_exits_with_8_and_the_counts_also_of_rows_of_an_earlier_run(tmp_path: Path) -> None:
    urls, out = mixed(tmp_path / "urls.txt"), tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *QUICK).returncode == 0
    done = jobs.call("run", urls, "-o", out, "--fail-on", "timeout,invalid_url", *QUICK)
    assert (done.returncode, done.stderr) == (
        8,
        "fetcher: 2 of 8 rows have an outcome that --fail-on names: invalid_url 2\n",
    )
    jobs.prove(out, urls)


def test_it_exits_with_0_where_no_row_has_such_an_outcome(tmp_path: Path) -> None:
    done = jobs.call(
        "run", mixed(tmp_path / "urls.txt"), "-o", tmp_path / "out", "--fail-on=dns", *QUICK
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_piped_list_and_the_summary_of_a_run_that_is_not_quiet(tmp_path: Path) -> None:
    options = [option for option in QUICK if option != "-q"]
    done = jobs.call(
        "run", "-", "-o", tmp_path / "out", "--fail-on=!ok", *options, stdin=b"no url\n"
    )
    assert done.returncode == 8
    assert "invalid_url" in done.stdout and "statuses" in done.stdout
    assert done.stderr.endswith("1 of 1 row has an outcome that --fail-on names: invalid_url 1\n")


def test_a_retry_judges_the_rows_of_its_own_out(tmp_path: Path) -> None:
    urls, out = mixed(tmp_path / "urls.txt"), tmp_path / "out"
    assert jobs.call("run", urls, "-o", out, *QUICK).returncode == 0
    again = ("--outcome=invalid_url", *(option for option in QUICK if "batch" not in option))
    done = jobs.call("retry", out, "-o", tmp_path / "2", "--fail-on=failed", *again)
    assert (done.returncode, done.stderr) == (
        8,
        "fetcher: 2 of 2 rows have an outcome that --fail-on names: invalid_url 2\n",
    )


def test_an_interrupted_run_still_exits_with_3(tmp_path: Path) -> None:
    slow = [f"http://test.invalid/{n}?ms=60000" for n in range(4)]
    urls, out = jobs.write_urls(tmp_path / "urls.txt", ["no url", *slow]), tmp_path / "out"
    options = ("--workers=1", f"--set=worker.transport={jobs.SLOW}", "--set=worker.grace_s=0.1")
    with jobs.forked("run", urls, "-o", out, "--fail-on=failed", "-q", *options) as job:
        wait_until(lambda: jobs.committed(out) == 1)
        job.process.send_signal(signal.SIGINT)
        code, _, error = job.wait()
    assert code == 3, error


@pytest.mark.parametrize("command", [("run", "urls.txt"), ("retry", "out")])
def test_a_wrong_name_is_refused_before_anything_is_begun(
    command: tuple[str, str], tmp_path: Path
) -> None:
    done = jobs.call(*command, "-o", tmp_path / "new", "--fail-on", "fail")
    assert (done.returncode, done.stderr) == (
        2,
        "fetcher: --fail-on fail: there is no such outcome (did you mean failed?)\n",
    )
    assert not (tmp_path / "new").exists()


def test_counts_stand_in_the_order_of_outcomes_and_zeros_are_left_out() -> None:
    totals = Totals(1500, {"dns": 3, "ok": 295, "http_error": 1200, "timeout": 0})
    require_none(totals, outcomes_named("timeout"))
    require_none(totals, frozenset())
    with pytest.raises(FailedRowsError, match=r"^1,203 of 1,500 rows .*: http_error 1,200, dns 3$"):
        require_none(totals, FAILED)
