"""The program: its commands, and how errors become lines and exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from fetcher.cli import main
from fetcher.cli.main import _code, _interrupted, _log_format, _similar, cli
from fetcher.errors import ConflictError, Exit, StoppedError
from fetcher.roles import lifetime
from fetcher.telemetry import logs
from support.commands import run


@pytest.mark.parametrize("name", main._COMMANDS)
def test_each_command_can_be_loaded_and_is_listed_with_its_help(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help
    text = run("--help").stdout
    assert f"  {name} " in text


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ([], {}, "text"),
        (["run", "--log-format", "json"], {}, "json"),
        (["run", "--log-format=json"], {}, "json"),
        (["run", "--set", "log.format=json"], {}, "json"),
        (["run", "--set=log.format=json"], {}, "json"),
        (["run", "--log-format=json", "--log-format=text"], {}, "text"),
        (["run"], {"FETCHER_LOG__FORMAT": "json"}, "json"),
        (["run", "--log-format=text"], {"FETCHER_LOG__FORMAT": "json"}, "text"),
        (["run", "--log-format=odd"], {}, "text"),
    ],
)
def test_the_format_of_early_errors(
    arguments: Sequence[str], environ: Mapping[str, str], expected: str
) -> None:
    assert _log_format(arguments, environ) == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "x"], "stopped before the job began; the same command begins it"),
        (["sink"], "stopped before the job began; the same command begins it"),
        (["verify", "out"], "verify: stopped; a running job is not affected"),
        (["--help"], "stopped; a running job is not affected"),
        ([], "stopped; a running job is not affected"),
    ],
)
def test_what_a_ctrl_c_at_the_start_has_stopped(arguments: list[str], said: str) -> None:
    assert _interrupted(arguments) == said


@pytest.mark.parametrize(
    ("option", "meant"),
    [("--timout", ["--timeout"]), ("--outcomes", ["--outcome"]), ("--xyz", []), ("--out", [])],
)
def test_only_options_that_are_alike_are_suggested(option: str, meant: list[str]) -> None:
    assert _similar(option, ["--timeout", "--outcome", "--workers"]) == meant


def coded(monkeypatch: pytest.MonkeyPatch, *arguments: str, raises: Any = None) -> int:
    """The exit code of the program; `raises`: what its command raises."""
    monkeypatch.setattr(sys, "argv", ["fetcher", *arguments])
    monkeypatch.setattr(lifetime, "imported", lambda: None)
    if raises is not None:

        def raising(**_: object) -> None:
            raise raises

        monkeypatch.setattr(main.cli, "main", raising)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        return _code()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        logs.use("text")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (ConflictError("OUT is in use"), Exit.CONFLICT, "fetcher: OUT is in use\n"),
        (StoppedError(), Exit.STOPPED, ""),
        (KeyboardInterrupt(), Exit.STOPPED, "fetcher: verify: stopped; a running job is not"),
        (click.exceptions.Abort(), Exit.STOPPED, "fetcher: verify: stopped;"),
        (OSError(24, "Too many open files"), Exit.USAGE, "fetcher: too many open files; raise"),
        (ZeroDivisionError("odd"), Exit.BUG, "Traceback"),
    ],
)
def test_an_error_is_a_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    raised: BaseException,
    code: Exit,
    said: str,
) -> None:
    assert coded(monkeypatch, "verify", "out", raises=raised) == code
    written = capfd.readouterr().err
    assert written.startswith(said) and bool(written) == bool(said)


def test_a_bug_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    coded(monkeypatch, "verify", "out", raises=ZeroDivisionError("odd"))
    assert capfd.readouterr().err.endswith("fetcher: this is a bug; please report it\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify",), "Missing argument 'OUT...'"),
        (("verify", "out", "--all-page"), "Did you mean '--all-pages'?"),
        (("verfy",), "No such command 'verfy'. Did you mean 'verify'?"),
        (("http://h.test/a b",), "is not a command; try: fetcher get 'http://h.test/a b'"),
    ],
)
def test_wrong_usage_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert coded(monkeypatch, *arguments) == Exit.USAGE
    assert said in capfd.readouterr().err


def test_a_file_in_place_of_a_command_is_to_be_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "urls.txt"
    path.touch()
    assert coded(monkeypatch, str(path)) == Exit.USAGE
    assert f"is not a command; try: fetcher run {path} -o out" in capfd.readouterr().err


def test_the_code_of_a_command_is_that_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert coded(monkeypatch, "config") == Exit.DONE
    assert "[http]" in capfd.readouterr().out
    monkeypatch.setattr(main.cli, "main", lambda **_: 6)
    assert coded(monkeypatch, "verify", "out") == 6
    monkeypatch.setattr(main.cli, "main", lambda **_: None)
    assert coded(monkeypatch, "verify", "out") == Exit.DONE
