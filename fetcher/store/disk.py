"""Small durable steps that every other file of this room uses.

Law: an error of the disk becomes one of ours here: no space may be tried again, anything else is
damage. A failed fsync is never retried: the kernel may have dropped the pages and call the next
one a success (the "fsyncgate" of PostgreSQL, 2018).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.errors import DamageError, FetcherError, NoSpaceError, UsageError

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def no_space(error: OSError) -> bool:
    """Whether the disk is merely full."""
    return error.errno in _NO_SPACE


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into ours."""
    try:
        yield
    except OSError as error:
        if no_space(error):
            raise NoSpaceError(f"{path}: {error.strerror}") from error
        raise DamageError(f"{path}: {error.strerror or error}") from error


def fsync(fd: int, path: Path) -> None:
    """fsync, or a loud stop."""
    try:
        os.fsync(fd)
    except OSError as error:
        raise DamageError(f"{path}: fsync failed ({error.strerror}); stopping loudly") from error


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
    return UsageError(f"{option} {path}: {error.strerror}; name a directory that can be written")
