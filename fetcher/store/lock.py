"""A lock that admits one writer to a directory; the kernel releases it when its holder dies.

It is an open file description lock (fcntl(2)), as a reader can ask whether such a lock is held
without taking it. With flock, a reader that only asks could keep out a writer that is starting.
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
_LEAVING_S: Final = 3.0  # time for a sink to notice that its supervisor was killed
_TRY_AGAIN_S: Final = 0.05
_MOST_BYTES: Final = 1_000  # of the file's content


class DirectoryLock:
    """Held from construction until `close`, or the end of the process. Raises ConflictError.

    Waits up to `wait_s` for a holder that is about to leave, such as the sink of a supervisor that
    was killed.
    """

    def __init__(self, directory: Path, wait_s: float = _LEAVING_S, note: str = "") -> None:
        """`note`: a line for other processes that look at the directory; see `note_of`."""
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
            time.sleep(_TRY_AGAIN_S)
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"pid {os.getpid()}\n{note}\n".encode(), 0)
        except OSError as error:
            os.close(self._fd)
            raise unusable(path, "-o", error) from error

    def _try_lock(self, path: Path) -> bool:
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, _lock_of_all(fcntl.F_WRLCK))
        except (BlockingIOError, PermissionError):  # held by another process: EAGAIN or EACCES
            return False
        except OSError as error:
            os.close(self._fd)
            raise unusable(path, "-o", error) from error
        return True

    def require_held(self) -> None:
        """Raises DamageError if the file was removed or replaced: others may lock a new one."""
        held = os.fstat(self._fd)
        require_file(self._path, FileId(held.st_dev, held.st_ino))

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
    """A `struct flock` over the whole file; the kernel wants a pid of 0 for OFD locks."""
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)


def _is_held(fd: int) -> bool:
    answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _lock_of_all(fcntl.F_RDLCK))
    (kind,) = struct.unpack_from("h", answer)
    return bool(kind != fcntl.F_UNLCK)


def _read(fd: int) -> tuple[str, str]:
    """Who holds the lock, and the note."""
    holder, _, note = os.pread(fd, _MOST_BYTES, 0).decode("utf-8", "replace").partition("\n")
    return holder, note.strip()


def is_locked(directory: Path) -> bool:
    """Whether a process holds the lock of the directory now."""
    return note_of(directory) is not None


def note_of(directory: Path) -> str | None:
    """The note of the process that holds the lock; None if no process does."""
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _read(fd)[1] if _is_held(fd) else None
    except OSError:  # the file system cannot tell: the lock may be held
        return ""
    finally:
        os.close(fd)
