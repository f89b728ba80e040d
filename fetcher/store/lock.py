"""One writer for a directory: a lock that the kernel gives back when its holder dies.

It is an open file description lock (fcntl(2)), as whether one is held can be asked without taking
it: with flock, whoever only looked could keep a writer that starts at that moment out.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fetcher.errors import ConflictError
from fetcher.store.disk import FileId, require_file, unusable

LOCK_NAME: Final = "lock"
_LEAVING_S: Final = 3.0  # what a sink may take to see that its supervisor was killed
_LOOK_AGAIN_S: Final = 0.05
_MOST_BYTES: Final = 1_000  # of who holds it


class DirectoryLock:
    """Held from construction until `close` (or the process' death). Raises ConflictError.

    Up to `wait_s` is waited for a holder that is just leaving, such as the sink of a supervisor
    that was killed.
    """

    def __init__(self, directory: Path, wait_s: float = _LEAVING_S, words: str = "") -> None:
        """`words`: a line for whoever looks at what its holder does; see `words_of`."""
        path = self._path = directory / LOCK_NAME
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unusable(path, "-o", error) from error
        until = time.monotonic() + wait_s
        while not self._try_lock(path):
            if time.monotonic() >= until:
                holder, _ = _read(self._fd)
                os.close(self._fd)
                raise ConflictError(
                    f"{directory} is in use by another fetcher ({holder or 'unknown process'}); "
                    "wait for it, stop it, or choose another OUT"
                )
            time.sleep(_LOOK_AGAIN_S)
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"pid {os.getpid()}\n{words}\n".encode(), 0)
        except OSError as error:
            os.close(self._fd)
            raise unusable(path, "-o", error) from error

    def _try_lock(self, path: Path) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _lock_of_all(fcntl.F_WRLCK))
        except (BlockingIOError, PermissionError):  # held by another: EAGAIN or EACCES
            return False
        except OSError as error:
            os.close(self._fd)
            raise unusable(path, "-o", error) from error
        return True

    def require_held(self) -> None:
        """Raises DamageError where the file is not there any more: another may lock a new one."""
        mine = os.fstat(self._fd)
        require_file(self._path, FileId(mine.st_dev, mine.st_ino))

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


def _lock_of_all(kind: int) -> bytes:
    """A `struct flock` over the whole file, of no process: as the kernel asks of OFD locks."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def _is_held(fd: int) -> bool:
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _lock_of_all(fcntl.F_RDLCK))
    (kind,) = struct.unpack_from("h", answer)
    return bool(kind != fcntl.F_UNLCK)


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
        return _read(fd)[1] if _is_held(fd) else None
    except OSError:  # a file system that does not say: it may be held
        return ""
    finally:
        os.close(fd)
