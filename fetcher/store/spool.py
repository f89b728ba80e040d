"""input.urls: lines from a pipe or a program, copied to OUT so that they can be read again.

All of the file is durable before the job begins. The same content again resumes the job; other
content is a conflict.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from fetcher.errors import ConflictError
from fetcher.store import manifest
from fetcher.store.disk import disk_errors, fsync, fsync_dir, sha256_of
from fetcher.store.lock import DirectoryLock


def keep(out: Path, write: Callable[[BinaryIO], None], what: str) -> Path:
    """Copy what `write` writes to a file in OUT, and return its path.

    If `write` writes nothing, the file that exists already is used. `what`: the name of the content
    in messages. Raises ConflictError, and what `write` raises; then no file is made.
    """
    manifest.prepare(out)
    spool = out / manifest.SPOOL_NAME
    part = spool.with_name(f"{spool.name}.tmp")
    _require_spooled(out)
    with DirectoryLock(out):
        _require_spooled(out)  # another job may have begun while this one waited for the lock
        try:
            with part.open("wb") as file:
                write(file)
                with disk_errors(part):
                    file.flush()
                    fsync(file.fileno(), part)
            if not spool.exists():
                part.replace(spool)
                fsync_dir(out)
            elif part.stat().st_size and sha256_of(spool) != sha256_of(part):
                raise ConflictError(
                    f"{out} belongs to another job{_begun(out)}; the input now ({what}) differs. "
                    "To resume that job, give the same input; for a new one, choose another OUT"
                )
        finally:
            part.unlink(missing_ok=True)
    return spool


def _require_spooled(out: Path) -> None:
    begun = manifest.read(out)
    if begun is not None and not (out / manifest.SPOOL_NAME).exists():
        raise ConflictError(
            f"{out} belongs to another job, {manifest.how_begun(begun)}. To resume that job, name "
            "its file; for a new one, choose another OUT"
        )


def _begun(out: Path) -> str:
    begun = manifest.read(out)
    return f", {manifest.how_begun(begun)}" if begun else ""


def forget(out: Path) -> None:
    """Remove the file again, unless a job was begun with it."""
    with contextlib.suppress(ConflictError), DirectoryLock(out):
        if manifest.read(out) is None:
            (out / manifest.SPOOL_NAME).unlink(missing_ok=True)
