"""`python -m fetcher`: the current folder replaces no module, and Ctrl-C waits at first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.jobs import ENV

# Prints what was imported from the current folder, and the state of the process before `main`.
_PROGRAM = """
import gc, signal, sys
import fetcher.__main__ as program
sys.path[:] = {path}
program._put_current_folder_last()
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
print(sys.path, signal.SIGINT in blocked, gc.isenabled())
"""


def run(folder: Path, path: list[str], *options: str) -> str:
    """What the program prints in this folder, with this sys.path."""
    done = subprocess.run(
        [sys.executable, *options, "-c", _PROGRAM.format(path=path)],
        cwd=folder,
        env=ENV,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("leads", [True, False])
def test_the_current_folder_is_put_last_where_it_leads(tmp_path: Path, leads: bool) -> None:
    path = [str(tmp_path), "/a"] if leads else ["/a", "/b"]
    expected = ["/a", str(tmp_path)] if leads else path
    assert run(tmp_path, path) == f"{expected} True False"


def test_a_current_folder_that_was_removed_is_ignored(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"import os; os.rmdir({str(gone)!r})\n" + _PROGRAM.format(path=["/a"])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=gone, env=ENV, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"['/a'] True False\n")


def test_the_program_starts_in_a_folder_with_a_module_of_a_standard_name(tmp_path: Path) -> None:
    (tmp_path / "http.py").write_text("raise SystemExit('the wrong http')")
    done = subprocess.run(
        [sys.executable, "-m", "fetcher", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ENV["PYTHONPATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fetcher, version ")
