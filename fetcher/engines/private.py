"""A temporary directory for a supervisor's sockets and its children's specs.

It has mode 0700, and a path short enough for a socket's name. If its supervisor is killed, the next
supervisor of the same user removes it, as its lock is free then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "fetcher-"
_LOCK_NAME: Final = "supervisor.lock"  # a directory without one is not removed
_MAX_BASE: Final = 70  # a unix socket's path may have 107 bytes


@contextlib.contextmanager
def private_directory(most_base: int = _MAX_BASE) -> Iterator[Path]:
    """Create the directory, and remove it at the end of the block.

    `most_base`: it is in /tmp if the usual folder has so many characters.
    """
    base = tempfile.gettempdir()
    if len(base) >= most_base:
        base = "/tmp"
    remove_left_behind(Path(base))
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = _lock(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _lock(directory: Path) -> int:
    """Create and hold the lock; it gets its name only when it is held."""
    unnamed = directory / f"{_LOCK_NAME}.new"
    fd = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    unnamed.rename(directory / _LOCK_NAME)
    return fd


def remove_left_behind(base: Path) -> None:
    """Remove the directories that killed supervisors of this user have left in `base`."""
    for path in base.glob(f"{_PREFIX}*/{_LOCK_NAME}"):
        with contextlib.suppress(OSError):
            found = path.parent.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _is_free(path):
                shutil.rmtree(path.parent, ignore_errors=True)


def _is_free(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(fd)
