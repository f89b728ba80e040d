"""One writer for a directory: an flock that the kernel gives back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fetcher.errors import ConflictError
from fetcher.store.disk import unusable

LOCK_NAME: Final = "lock"


class DirectoryLock:
    """Held from construction until `close` (or the process' death). Raises ConflictError."""

    def __init__(self, directory: Path) -> None:
        path = directory / LOCK_NAME
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unusable(path, "-o", error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 100, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise ConflictError(
                f"{directory} is in use by another fetcher ({holder or 'unknown process'}); "
                "wait for it, stop it, or choose another OUT"
            ) from error
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


def is_locked(directory: Path) -> bool:
    """Whether some process holds the directory now."""
    try:
        with DirectoryLock(directory):
            return False
    except ConflictError:
        return True
