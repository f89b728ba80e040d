"""A run in a thread: what becomes of the roles' lines, errors and ends."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.api import background
from fetcher.api.background import JobInput, LogDisplay, Run
from fetcher.engines.supervisor import Verdict
from fetcher.errors import (
    ConflictError,
    DamageError,
    Exit,
    FetcherError,
    StoppedError,
    UsageError,
)
from fetcher.settings.schema import Settings
from fetcher.telemetry.logs import OURS
from support import outs
from support.messages import EXAMPLES

STATE: Any = EXAMPLES["state"][0]


def test_a_complaint_is_logged_only_if_it_did_not_end_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    display = LogDisplay()
    display.say("a worker has died")
    assert caplog.messages == ["a worker has died"]
    display.say(f"{OURS}first")
    display.say(f"{OURS}second")
    assert caplog.messages == ["a worker has died", f"{OURS}first"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    display.flush()
    display.flush()
    assert caplog.messages[2:] == [f"{OURS}second"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Exit.USAGE, UsageError),
        (Exit.CONFLICT, ConflictError),
        (Exit.DAMAGED, DamageError),
        (Exit.BUG, FetcherError),
        (Exit.UNREACHED, FetcherError),
    ],
)
def test_the_complaint_that_ended_the_run_is_its_error(
    code: Exit, kind: type[FetcherError], caplog: pytest.LogCaptureFixture
) -> None:
    display = LogDisplay()
    display.say(f"{OURS}out is in use")
    error = display.error(Verdict(code))
    assert (type(error), str(error)) == (kind, "out is in use")
    display.flush()
    assert caplog.messages == []
    assert str(display.error(Verdict(code))) == "a role ended without saying why"


def test_the_newest_state_is_kept() -> None:
    display = LogDisplay()
    assert display.last is None
    for rows in (1, 2):
        display.update(replace(STATE, in_flight=rows))
    assert display.last is not None and display.last.in_flight == 2


def ended(out: Path, run_job: Any, monkeypatch: pytest.MonkeyPatch, **options: bool) -> Run:
    """A run whose roles do what `run_job` does."""
    monkeypatch.setattr(background, "run_job", run_job)
    run = Run(out, temporary=options.get("temporary", False))
    run.start(JobInput(out.parent / "urls.txt", Settings()))
    assert run.ended.wait(60)
    return run


def make(tmp_path: Path, *lines: int) -> Path:
    return outs.make_out(
        tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 2), map(outs.row, lines)
    )


def raising(error: BaseException) -> Any:
    def run_job(*_: object, **__: object) -> None:
        raise error

    return run_job


def test_a_run_that_ends_well_has_the_counts_of_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(make(tmp_path, 1, 2), lambda *_, **__: None, monkeypatch)
    assert run.error is None
    seen = run.progress
    assert (seen.state, seen.rows, seen.total, seen.total_exact) == ("complete", 2, 2, True)


def test_roles_that_leave_before_the_end_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(make(tmp_path, 1), lambda *_, **__: None, monkeypatch)
    assert "the roles have left and the job is not complete" in str(run.error)
    assert (run.progress.state, run.progress.rows) == ("failed", 1)


@pytest.mark.parametrize(
    ("temporary", "said"),
    [
        (False, "stopped before the end; the same job with out='{out}' resumes"),
        (True, "stopped before the end; its rows were in a temporary directory"),
    ],
)
def test_a_run_that_is_stopped_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: bool, said: str
) -> None:
    out = make(tmp_path, 1)
    run = ended(out, raising(StoppedError("x")), monkeypatch, temporary=temporary)
    assert isinstance(run.error, StoppedError)
    assert str(run.error) == said.format(out=out)
    assert run.progress.state == "stopped"


def test_a_job_that_became_complete_while_it_was_stopped_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(make(tmp_path, 1, 2), raising(StoppedError("x")), monkeypatch)
    assert (run.error, run.progress.state) == (None, "complete")


def test_any_other_error_is_kept_to_be_raised_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ConflictError("in use")
    run = ended(tmp_path / "none", raising(error), monkeypatch)
    assert run.error is error
    assert (run.progress.state, run.progress.rows) == ("failed", 0)


def test_a_temporary_directory_goes_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended(make(tmp_path, 1, 2), lambda *_, **__: None, monkeypatch, temporary=True)
    assert not run.gone
    run.end()
    run.end()
    assert run.gone


def test_a_run_that_has_not_begun_is_starting(tmp_path: Path) -> None:
    run = Run(tmp_path, temporary=False)
    assert run.progress.state == "starting"
    run.ask()
    run.end()
    run.ask()
    assert run._interrupts.count == 2, "asking does not take an end back"


def test_a_fork_can_neither_use_nor_end_a_run(tmp_path: Path) -> None:
    run = Run(tmp_path, temporary=True)
    run.require_here()
    run._pid = os.getpid() + 1
    with pytest.raises(UsageError, match="this is a fork of it"):
        run.require_here()
    run.end()
    assert tmp_path.exists()
