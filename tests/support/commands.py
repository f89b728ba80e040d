"""Commands of the program, run in the process of the test."""

from __future__ import annotations

from typing import NamedTuple

from click.testing import CliRunner

from fetcher.cli.main import cli


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
