"""Commands of the program, run in the process of the test."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import click
from click.testing import CliRunner

from fetcher.cli.main import cli
from fetcher.errors import Exit, FetcherError
from fetcher.telemetry import logs

# Commands that only read what a job has written, and end by themselves.
READING: Final = ("verify", "export", "report", "status", "links", "urls", "diff", "config")


class Done(NamedTuple):
    """What a command has written, and its exit code."""

    code: int
    stdout: str
    stderr: str


def run(*arguments: object, stdin: bytes = b"") -> Done:
    """Run a command, such as `verify OUT`; raises what it raises."""
    given = [str(each) for each in arguments]
    done = CliRunner().invoke(cli, given, input=stdin, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return Done(int(done.return_value or 0), done.stdout, done.stderr)


def call(
    *arguments: object, folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What the process of a reading command would give, without the cost of its start."""
    given = [str(each) for each in arguments]
    with contextlib.chdir(folder), CliRunner().isolation(env=environ) as (out, error, _):
        code = _code(given)
        return subprocess.CompletedProcess(given, code, _text(out), _text(error))


def _text(written: io.BytesIO) -> str:
    return written.getvalue().decode()


def _code(arguments: list[str]) -> int:
    try:
        return int(cli.main(arguments, prog_name="fetcher", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except FetcherError as error:
        return logs.complain(error) if str(error) else error.exit_code
    finally:
        sys.stdout.flush()
