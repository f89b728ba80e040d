"""Runs a whole job in a process of an engine, for schedulers such as Celery's beat."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fetcher.engines import leashed_child
from fetcher.errors import Exit
from fetcher.roles import interpreter
from fetcher.settings.load import toml
from fetcher.store.reader import read_part

_LEASHED: Final = "fetcher.cli.leashed"
_COMMANDS: Final = ("run", "crawl", "refresh")
_SAID_BYTES: Final = 4000  # of the last messages, for the error


class JobFailed(RuntimeError):
    """A job did not become complete."""


def run_whole_job(
    command: str,
    urls: Sequence[str],
    out: str,
    options: Sequence[str],
    settings: Mapping[str, Any],
    *,
    is_draining: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run `fetcher COMMAND URLS -o OUT` to its end, in a process that ends with this one.

    `urls`: a list, URLs or seeds; for `refresh`, the OUT of a finished job. Raises JobFailed;
    ValueError for another command. Returns plain data: `out`, `rows`, `outcomes`.
    """
    if command not in _COMMANDS:
        raise ValueError(f"{command!r}: the commands are {', '.join(_COMMANDS)}")
    path = out_now(out)
    given = [f"--set={key}={_value(value)}" for key, value in settings.items()]
    words = [command, *urls, "-o", str(path), "--quiet", *options, *given]
    with tempfile.TemporaryFile() as said:
        code = _run(words, said.fileno(), is_draining)
        if code != Exit.DONE:
            said.seek(max(said.tell() - _SAID_BYTES, 0))
            last = said.read().decode("utf-8", "replace").strip()
            raise JobFailed(f"fetcher {command} ended with exit code {code}: {last}")
    return result_of(path)


def out_now(out: str) -> Path:
    """Return the path of OUT with the date and time in place of codes of `strftime`."""
    return Path(time.strftime(out)).absolute()


def result_of(out: Path) -> dict[str, Any]:
    """Return what is in OUT, as plain data."""
    totals = read_part(out).view.recovered.totals
    return {"out": str(out), "rows": totals.rows, "outcomes": dict(totals.outcomes)}


def lead_to(link: Path, out: Path) -> None:
    """Let a symbolic link lead to OUT from now on; it leads to one or the other at any moment."""
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.symlink_to(out)
    fresh.replace(link)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else toml(value)


def _run(words: Sequence[str], stderr: int, is_draining: Callable[[], bool]) -> int:
    process = subprocess.Popen(
        interpreter.command(_LEASHED, str(os.getpid()), *words),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        leashed_child.wait(process, is_draining)
    finally:
        with contextlib.suppress(OSError):  # what it was told last, it did not take
            process.stdin.close()
    return process.wait()
