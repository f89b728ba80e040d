"""One writer for a directory: an flock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fetcher.errors import ConflictError
from fetcher.store.disk import unusable

LOCK_NAME: Final = "lock"
_LOOK_AGAIN_S: Final = 0.05


class DirectoryLock:
    """Held from construction until `close` (or the process' death). Raises ConflictError.

    Up to `wait_s` is waited for a holder that is just leaving, such as the sink of a supervisor
    that was killed.
    """

    def __init__(self, directory: Path, wait_s: float = 0.0) -> None:
        path = directory / LOCK_NAME
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unusable(path, "-o", error) from error
        until = time.monotonic() + wait_s
        while not _try_lock(self._fd, fcntl.LOCK_EX):
            if time.monotonic() >= until:
                holder = os.pread(self._fd, 100, 0).decode("ascii", "replace").strip()
                os.close(self._fd)
                raise ConflictError(
                    f"{directory} is in use by another fetcher ({holder or 'unknown process'}); "
                    "wait for it, stop it, or choose another OUT"
                )
            time.sleep(_LOOK_AGAIN_S)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"pid {os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(directory: Path) -> bool:
    """Whether some process holds the directory now."""
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)
