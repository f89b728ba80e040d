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
_MOST_BYTES: Final = 1_000  # of who holds it


class DirectoryLock:
    """Held from construction until `close` (or the process' death). Raises ConflictError.

    Up to `wait_s` is waited for a holder that is just leaving, such as the sink of a supervisor
    that was killed.
    """

    def __init__(self, directory: Path, wait_s: float = 0.0, words: str = "") -> None:
        """`words`: a line for whoever looks at what its holder does; see `words_of`."""
        path = directory / LOCK_NAME
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unusable(path, "-o", error) from error
        until = time.monotonic() + wait_s
        while not _try_lock(self._fd, fcntl.LOCK_EX):
            if time.monotonic() >= until:
                holder, _ = _read(self._fd)
                os.close(self._fd)
                raise ConflictError(
                    f"{directory} is in use by another fetcher ({holder or 'unknown process'}); "
                    "wait for it, stop it, or choose another OUT"
                )
            time.sleep(_LOOK_AGAIN_S)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"pid {os.getpid()}\n{words}\n".encode(), 0)

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


def _read(fd: int) -> tuple[str, str]:
    """Who holds it, and the words it left."""
    holder, _, words = os.pread(fd, _MOST_BYTES, 0).decode("utf-8", "replace").partition("\n")
    return holder, words.strip()


def is_locked(directory: Path) -> bool:
    """Whether some process holds the directory now."""
    return words_of(directory) is not None


def words_of(directory: Path) -> str | None:
    """What the process that holds the directory left for others; None where nobody holds it."""
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try_lock(fd, fcntl.LOCK_SH) else _read(fd)[1]
    finally:
        os.close(fd)
