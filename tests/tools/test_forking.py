"""Processes of tests are forked by servers (support.forking), and never silently started anew."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.api import fetch
from fetcher.model import Result
from support import forking, jobs, role_forks

SETTINGS = {"handler": "support.handlers:parent", "transport": jobs.SLOW}
URLS = ["http://test.invalid/1"]
CLIENT = jobs.ROOT / "tests" / "support" / "forked_client.py"
PIPES = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}


def require_forked(row: Result) -> None:
    """The parent of the worker that made the row is the fork server of workers."""
    assert "fetcher.roles.worker_main" in str((row.extra or {})["parent"])


def refuse(*command: object, **_: object) -> None:
    raise AssertionError(f"a fresh interpreter: {command}")


def test_the_program_that_a_test_calls_is_forked_and_so_are_its_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.jobs.subprocess.run", refuse)
    out, urls = tmp_path / "out", jobs.write_urls(tmp_path / "urls.txt", URLS)
    options = [f"--set=worker.{name}={value}" for name, value in SETTINGS.items()]
    done = jobs.call("run", urls, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    require_forked(jobs.rows(out)[0])


@pytest.mark.usefixtures("temporary")
def test_the_roles_of_a_job_of_the_test_s_own_process_are_forked() -> None:
    (row,) = fetch(URLS, workers=1, worker=SETTINGS)
    require_forked(row)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"start_new_session": True, "umask": 7}, "umask"), ({"start_new_session": False}, "False")],
)
def test_a_role_is_not_forked_with_options_that_the_server_does_not_know(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], message: str
) -> None:
    for name, value in role_forks.variables(os.environ).items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "fetcher.roles.main", "a spec"]
    with pytest.raises(TypeError, match=message):
        role_forks.subprocesses().Popen(command, **PIPES, **options)


def test_a_role_whose_interpreter_would_start_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in role_forks.variables(os.environ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONUTF8", "0")
    command = [sys.executable, "-m", "fetcher.roles.main", "a spec"]
    with pytest.raises(RuntimeError, match="PYTHONUTF8"):
        role_forks.subprocesses().Popen(command, **PIPES, start_new_session=True)


def test_a_call_has_its_own_streams_environment_and_exit_code(tmp_path: Path) -> None:
    environ = {**jobs.ENV, "A_NAME": "a value"}

    def call(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return forking.call(
            "support.echoing_main", *arguments, stdin=b"in", environ=environ, folder=tmp_path
        )

    first, second = call("one"), call("7")
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout.decode().split() == ["one", "in", "a", "value", str(tmp_path)]
    assert second.returncode == 7


@contextlib.contextmanager
def client(argument: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program that stands for a forked process; it has begun."""
    environ = {**jobs.ENV, "A_NAME": "a value"}
    name = forking.address_of("support.echoing_main", environ).removeprefix("\0")
    command = [sys.executable, "-I", "-S", str(CLIENT), name]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, argument], stdin=pipe, stdout=pipe, env=environ) as started:
        assert started.stdout is not None
        assert started.stdout.readline().decode() == f"{argument}\n"
        yield started


def test_a_program_that_stands_for_a_forked_process_ends_as_it_does() -> None:
    with client("7") as started:
        out, _ = started.communicate(b"in", timeout=60)
    assert out.decode().startswith("in a value")
    assert started.returncode == 7


def test_a_program_that_stands_for_a_forked_process_passes_signals_on() -> None:
    with client("one") as started:
        started.terminate()
        assert started.wait(60) == -signal.SIGTERM
        assert started.stdout is not None
        assert started.stdout.read() == b"", "its end is that of the forked process"
