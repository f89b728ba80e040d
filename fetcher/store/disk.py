"""Durable file operations for the rest of the package.

Here disk errors become errors of fetcher: NoSpaceError may be tried again, any other is a
DamageError. A failed fsync is never retried: the kernel may have dropped the pages, and report
success the next time (the "fsyncgate" of PostgreSQL, 2018).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from fetcher.errors import DamageError, FetcherError, NoSpaceError, UsageError

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ROOM_BYTES: Final = 256 * 1024  # more than a small write of sqlite needs


def is_disk_full(error: OSError) -> bool:
    """Whether the cause is a lack of space, by disk, quota or file size limit."""
    return error.errno in _NO_SPACE


def has_room(directory: Path) -> bool:
    """Whether a small file can be written there; explains errors that do not name their cause."""
    import tempfile  # noqa: PLC0415 (takes time to load, and is rarely needed)

    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        return not is_disk_full(error)
    return True


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError within the block into NoSpaceError or DamageError that names `path`."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise NoSpaceError(f"{path}: {error.strerror}") from error
        raise DamageError(f"{path}: {error.strerror or error}") from error


class FileId(NamedTuple):
    """The identity of a file, whatever its name; a replacement has another."""

    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The identity of the file at `path`. Raises DamageError if there is none."""
        with disk_errors(path):
            found = path.stat()
        return cls(found.st_dev, found.st_ino)


def require_file(path: Path, file: FileId, length: int = 0) -> None:
    """Raises DamageError if `path` is another file, or shorter than `length` bytes."""
    try:
        found = path.stat()
    except OSError as error:
        raise DamageError(f"{path}: {error.strerror}; a running job needs this file") from error
    if FileId(found.st_dev, found.st_ino) != file:
        raise DamageError(f"{path}: is not the file that the job has written")
    if found.st_size < length:
        raise DamageError(f"{path}: {length} bytes were written, only {found.st_size} are there")


def fsync(fd: int, path: Path) -> None:
    """fsync the file; raises DamageError if it fails."""
    try:
        os.fsync(fd)
    except OSError as error:
        raise DamageError(
            f"{path}: fsync failed ({error.strerror}); what the disk holds is not known, "
            "so fetcher stops"
        ) from error


def sync_file_system(fd: int, path: Path) -> None:
    """Sync the whole file system of `fd`; for many files that is cheaper than an fsync of each.

    Raises DamageError if it fails.
    """
    if error_number := _syncfs(fd):
        reason = os.strerror(error_number)
        raise DamageError(
            f"{path}: syncfs failed ({reason}); what the disk holds is not known, so fetcher stops"
        )


def _syncfs(fd: int) -> int:
    """Call syncfs; return its error number, 0 for success."""
    import ctypes  # noqa: PLC0415 (takes time to load; only jobs that keep body files need it)

    failed = ctypes.CDLL(None, use_errno=True).syncfs(fd)
    return ctypes.get_errno() if failed else 0


def fsync_dir(path: Path) -> None:
    """Make the names of the files in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(fd, path)
    finally:
        os.close(fd)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that replaces `path` as a whole, durably, if the block ends normally.

    After an error the old file is unchanged. Raises NoSpaceError, DamageError.
    """
    part = path.with_name(path.name + ".tmp")
    with disk_errors(part):
        file = part.open("wb")
    with disk_errors(path), file:
        try:
            yield file
            file.flush()
            fsync(file.fileno(), part)
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
    fsync_dir(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file as a whole, durably; after an error the old file is unchanged."""
    with replacing(path) as file:
        file.write(data)


def sha256_of(path: Path) -> str:
    """The hexadecimal digest of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_dir(path: Path, option: str) -> None:
    """Make OUT or a directory in it. Raises UsageError that names `option`, NoSpaceError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, option, error) from error


def unusable(path: Path, option: str, error: OSError) -> FetcherError:
    """The error for a path of the user's that the system refuses."""
    if is_disk_full(error):
        return NoSpaceError(f"{option} {path}: {error.strerror}")
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and path.exists() and not path.is_dir():
        return UsageError(f"{option} {path} is a file, not a directory; name another one")
    return UsageError(f"{option} {path}: {error.strerror}; name a directory that can be written")
