"""What the commands say about common mistakes and stops: to the point, in few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.model import Outcome
from support import jobs, outs


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A complete job of one line."""
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    return outs.make_out(tmp_path / "out", urls, [outs.row(1, Outcome.OK)])


def stopped(tmp_path: Path) -> Path:
    """A job of 60 lines that stopped after 8."""
    urls = outs.write_input(tmp_path / "many.txt", 60)
    return outs.make_out(tmp_path / "half", urls, [outs.row(line) for line in range(1, 9)])


def error_of(*arguments: object) -> str:
    done = jobs.call(*arguments)
    assert done.returncode == 2, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_verify_of_a_stopped_job_is_one_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    done = jobs.call("verify", stopped(tmp_path))
    assert done.returncode == 6
    (line,) = done.stdout.splitlines()
    assert line.startswith("NOT proven: 60 URL lines, 8 rows")
    assert line.endswith("; the run has not ended: the same command resumes it")


def test_one_row_is_not_called_rows(out: Path, tmp_path: Path) -> None:
    done = jobs.call("export", out, "-o", tmp_path / "rows.csv")
    assert f"{tmp_path / 'rows.csv'}: 1 row, " in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["status", "verify", "top", "report"])
def test_a_directory_that_is_missing_is_called_missing(command: str, tmp_path: Path) -> None:
    said = f"fetcher: {tmp_path}/nope: no such directory; name the OUT of a job"
    assert error_of(command, tmp_path / "nope") == said


def test_a_file_in_place_of_a_directory_is_called_a_file(out: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("")
    assert error_of("verify", mine).endswith(
        "mine is a file; name the OUT of a job, which is a directory"
    )
    said = error_of("run", tmp_path / "urls.txt", "-o", mine, "--workers=1")
    assert f"{mine} is a file, not a directory; name another one" in said


def test_an_option_is_suggested_only_if_it_is_similar(tmp_path: Path) -> None:
    assert error_of("run", "--bogus") == "Error: No such option '--bogus'."
    assert "Did you mean '--timeout'?" in error_of("run", "--timout")


def test_a_missing_file_is_reported_before_a_missing_option() -> None:
    assert error_of("run", "nofile.txt").startswith("fetcher: nofile.txt: there is no such file")


def test_a_mistyped_column_gets_a_suggestion_and_no_list(out: Path) -> None:
    said = error_of("export", out, "--to=csv", "--columns=line,statuss")
    assert said == "fetcher: --columns: there is no column 'statuss' (did you mean status?)"
    assert "there are line, url" in error_of("export", out, "--to=csv", "--columns=zzz")


def test_a_resumed_polite_job_says_that_it_waits_and_why(tmp_path: Path) -> None:
    out = stopped(tmp_path)
    short = ("--set=lease.silent_s=1", "--set=worker.heartbeat_s=0.5")
    polite = ("--set=polite.enabled=true", "--set=worker.transport=null", *short)
    command = ("run", tmp_path / "many.txt", "-o", out, "--workers=1", *polite)
    said = "waiting 1 s (lease.silent_s) before the first request, so that workers of the previous"
    done = jobs.call(*command)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(said) == 1, done.stderr
    again = jobs.call(*command)  # all is done: nothing is asked, and nobody waits
    assert (again.returncode, again.stderr) == (0, "")
