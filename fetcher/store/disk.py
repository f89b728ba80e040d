"""Small durable steps that every other file of this room uses.

Law: an error of the disk becomes one of ours here: no space may be tried again, anything else is
damage. A failed fsync is never retried: the kernel may have dropped the pages and call the next
one a success (the "fsyncgate" of PostgreSQL, 2018).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from fetcher.errors import DamageError, FetcherError, NoSpaceError, UsageError

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ROOM_BYTES: Final = 256 * 1024  # more than one of sqlite's small writes takes
_syncfs: Final = ctypes.CDLL(None, use_errno=True).syncfs


def no_space(error: OSError) -> bool:
    """Whether the disk is merely full."""
    return error.errno in _NO_SPACE


def has_room(directory: Path) -> bool:
    """Whether a small file can still be written there: for errors that do not say why."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        return not no_space(error)
    return True


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into ours."""
    try:
        yield
    except OSError as error:
        if no_space(error):
            raise NoSpaceError(f"{path}: {error.strerror}") from error
        raise DamageError(f"{path}: {error.strerror or error}") from error


class FileId(NamedTuple):
    """Which file a name stands for: another one with its name is not it."""

    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises DamageError where there is none."""
        with disk_errors(path):
            found = path.stat()
        return cls(found.st_dev, found.st_ino)


def require_file(path: Path, file: FileId, length: int = 0) -> None:
    """Raises DamageError where `path` is not this file, or is shorter than what was written."""
    try:
        found = path.stat()
    except OSError as error:
        raise DamageError(f"{path}: {error.strerror}; a running job needs this file") from error
    if FileId(found.st_dev, found.st_ino) != file:
        raise DamageError(f"{path}: is not the file that the job has written")
    if found.st_size < length:
        raise DamageError(f"{path}: {length} bytes were written, only {found.st_size} are there")


def fsync(fd: int, path: Path) -> None:
    """fsync, or a loud stop."""
    try:
        os.fsync(fd)
    except OSError as error:
        raise DamageError(
            f"{path}: fsync failed ({error.strerror}); what the disk holds is not known, "
            "so fetcher stops"
        ) from error


def sync_file_system(fd: int, path: Path) -> None:
    """fsync for all of the file system that `fd` is on: cheaper than one for each of many files."""
    if _syncfs(fd):
        said = os.strerror(ctypes.get_errno())
        raise DamageError(
            f"{path}: syncfs failed ({said}); what the disk holds is not known, so fetcher stops"
        )


def fsync_dir(path: Path) -> None:
    """Make the names in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(fd, path)
    finally:
        os.close(fd)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file as a whole, durably; an error leaves nothing beside what was there."""
    part = path.with_name(path.name + ".tmp")
    with disk_errors(path), part.open("wb") as file:
        try:
            file.write(data)
            file.flush()
            fsync(file.fileno(), part)
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    fsync_dir(path.parent)


def make_dir(path: Path, option: str) -> None:
    """Make OUT (or a part of it); a path that cannot be one is the user's mistake."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, option, error) from error


def unusable(path: Path, option: str, error: OSError) -> FetcherError:
    """The one line for an OUT that the system does not let us use."""
    if no_space(error):
        return NoSpaceError(f"{option} {path}: {error.strerror}; make room, and run it again")
    return UsageError(f"{option} {path}: {error.strerror}; name a directory that can be written")
