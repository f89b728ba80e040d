"""The lock of an output directory admits one writer."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fetcher.errors import ConflictError, UsageError
from fetcher.store.lock import DirectoryLock, is_locked


def test_a_directory_has_one_holder_and_says_which(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with DirectoryLock(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(ConflictError, match=f"in use.*pid {os.getpid()}"):
            DirectoryLock(tmp_path, wait_s=0)
    assert not is_locked(tmp_path)
    DirectoryLock(tmp_path).close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from fetcher.store.lock import DirectoryLock;"
        "lock = DirectoryLock(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(tmp_path)
        holder.kill()
        DirectoryLock(tmp_path, wait_s=5).close()


def test_who_only_looks_keeps_no_writer_out(tmp_path: Path) -> None:
    DirectoryLock(tmp_path).close()

    def hold() -> None:
        for _ in range(3_000):
            DirectoryLock(tmp_path, wait_s=0).close()

    looks = 0
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        while not holding.done():
            is_locked(tmp_path)
            looks += 1
        holding.result()
    assert looks > 100


def test_where_the_file_system_does_not_say_a_directory_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    DirectoryLock(tmp_path).close()
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert is_locked(tmp_path)
    with pytest.raises(UsageError, match="No locks available"):
        DirectoryLock(tmp_path)
