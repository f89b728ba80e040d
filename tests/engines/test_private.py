"""A supervisor leaves nothing in the temporary directory, even if it is killed."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.engines.private import private_directory
from support import jobs

HOLD = """
from fetcher.engines.private import private_directory
with private_directory() as directory:
    (directory / "sink.json").write_text("secret")
    print(directory, flush=True)
    input()
"""


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary directory, of this test alone; short, as the usual one is."""
    with tempfile.TemporaryDirectory(prefix="base-", dir="/tmp") as path:
        monkeypatch.setattr(tempfile, "tempdir", path)
        yield Path(path)


def held_elsewhere(base: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**jobs.ENV, "TMPDIR": str(base)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_private_and_gone_after_its_block(base: Path) -> None:
    with private_directory() as directory:
        assert directory.parent == base
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert list(base.iterdir()) == []


def test_what_a_killed_supervisor_left_is_removed_by_the_next_and_nothing_else(base: Path) -> None:
    mine = base / "fetcher-data"  # somebody's, by chance of that name
    mine.mkdir()
    (mine / "lock").touch()
    process, directory = held_elsewhere(base)
    with process:
        with private_directory():
            assert (directory / "sink.json").exists(), "its supervisor lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert directory.exists()
    with private_directory():
        assert not directory.exists()
    assert list(base.iterdir()) == [mine]


def test_a_long_temporary_directory_is_not_used_for_sockets(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = base / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with private_directory() as directory:
        assert directory.parent == Path("/tmp")


def test_a_caller_with_longer_names_for_its_sockets_says_so(base: Path) -> None:
    with private_directory(len(str(base))) as directory:
        assert directory.parent == Path("/tmp")
    with private_directory(len(str(base)) + 1) as directory:
        assert directory.parent == base
