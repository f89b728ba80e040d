"""The file that an export makes: there as a whole, or not at all.

Law: written under FILE.tmp, made durable, and only then renamed. Whoever writes it holds a lock on
it, so that the next export removes what a killed one left, and not what a living one writes.
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
    """Whether FILE may be made. Raises UsageError."""
    folder = path.parent.resolve()
    for out in outs:
        if folder.is_relative_to(out.resolve()):
            raise UsageError(
                f"-o {path}: lies within {out}, which only fetcher writes to; name another place"
            )
    _sweep(_part_of(path))
    if path.is_dir():
        raise UsageError(f"-o {path}: is a directory; name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"-o {path}: is not a regular file; - is standard output")
    if path.exists() and not force:
        raise UsageError(f"-o {path}: exists already; --force replaces it")


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.tmp")


def _sweep(part: Path) -> None:
    """Remove what a killed export left, also where this one is refused then."""
    if part.is_symlink() or not part.is_file():
        return
    with contextlib.suppress(OSError), part.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails where a living one writes it
        if os.path.samestat(os.fstat(file.fileno()), part.stat()):
            part.unlink()


@contextlib.contextmanager
def written_whole(path: Path, *, force: bool) -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file to write to, and its path; under its own name once the block has ended well."""
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
                file.close()  # which would write what is buffered, and fail again
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
            # Its last holder may have renamed it between our opening and our locking.
            if not part.exists() or not os.path.samestat(os.fstat(fd), part.stat()):
                raise BlockingIOError
        except OSError as error:
            raise ConflictError(f"{part}: another export writes it now") from error
        os.ftruncate(fd, 0)
        yield file
