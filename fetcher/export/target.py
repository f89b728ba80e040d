"""The file of an export: it is made completely, or not at all.

It is written as FILE.tmp, made durable, and then renamed. The writer holds a lock on FILE.tmp, so
that a later export can tell the file of a killed export, which it removes, from one in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from fetcher.errors import ConflictError, UsageError
from fetcher.store.disk import disk_errors, fsync, fsync_dir


def check(path: Path, outs: Sequence[Path], *, force: bool) -> None:
    """Raises UsageError unless the file may be made; `force`: it may be replaced."""
    require_outside(path.parent.resolve(), outs, f"-o {path}")
    _sweep(_part_of(path))
    if path.is_dir():
        raise UsageError(f"-o {path}: is a directory; name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"-o {path} is not a regular file; - is standard output")
    if path.exists() and not force:
        raise UsageError(f"-o {path}: exists already; --force replaces it")


def require_outside(folder: Path, outs: Sequence[Path], named: str) -> None:
    """Raises UsageError if the folder is one of the OUTs, or in one; `named`: the user's option."""
    for out in outs:
        if folder.is_relative_to(out.resolve()):
            raise UsageError(
                f"{named}: lies within {out}, which only fetcher writes to; name another place"
            )


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _sweep(part: Path) -> None:
    """Remove the temporary file of a killed export."""
    if part.is_symlink() or not part.is_file():
        return
    with contextlib.suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if another export writes it
        if os.path.samestat(os.fstat(file.fileno()), part.stat()):
            part.unlink()


@contextlib.contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file and its path, for writing; renamed to `path` if the block ends normally."""
    part = _part_of(path)
    with _opened(part, path) as file:
        try:
            with disk_errors(part):
                yield file, part
                file.flush()
            fsync(file.fileno(), part)
            if path.exists() and not force:
                raise UsageError(
                    f"-o {path}: was made by another program meanwhile; --force replaces it"
                )
            with disk_errors(path):
                part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            with contextlib.suppress(OSError):
                file.close()  # it may fail again, as it writes what is buffered
            raise
        fsync_dir(path.parent)


@contextlib.contextmanager
def _opened(part: Path, path: Path) -> Iterator[BinaryIO]:
    try:
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise UsageError(
            f"-o {path}: {error.strerror} ({part.name}); name a file that can be written"
        ) from error
    with os.fdopen(fd, "r+b") as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have renamed it after it was opened here, before it was locked.
            if not part.exists() or not os.path.samestat(os.fstat(fd), part.stat()):
                raise BlockingIOError
        except OSError as error:
            raise ConflictError(f"{part}: another export writes it now") from error
        os.ftruncate(fd, 0)
        yield file
