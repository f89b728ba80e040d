"""Makes the folders of keys. Each role's folder is copied whole to the role's host.

    DIR/ventilator/    ventilator.key_secret, sink.key, allowed/WORKER.key …
    DIR/sink/          sink.key_secret, allowed/ventilator.key, allowed/WORKER.key …
    DIR/workers/NAME/  NAME.key_secret, ventilator.key, sink.key

Files have mode 0600 and directories 0700 from their creation. A key is never overwritten. A folder
is created completely or not at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zmq.auth import create_certificates

from fetcher.errors import UsageError
from fetcher.security.keyring import ALLOWED, PUBLIC, SECRET, SINK, VENTILATOR, check_name, load

_WORKERS: Final = "workers"


def init(directory: Path, workers: tuple[str, ...]) -> None:
    """Create all folders of a new set of keys. Raises UsageError."""
    _check_names(workers)
    if directory.is_symlink() or (directory.exists() and not _is_empty(directory)):
        raise UsageError(
            f"{directory}: exists already, and keys are never overwritten: choose another "
            "directory, or add workers by `fetcher keys add-worker`"
        )
    with _building(directory) as root:
        for role in (VENTILATOR, SINK):
            (root / role / ALLOWED).mkdir(parents=True)
            create_certificates(root / role, role)
        shutil.copy(root / SINK / f"{SINK}{PUBLIC}", root / VENTILATOR)
        shutil.copy(root / VENTILATOR / f"{VENTILATOR}{PUBLIC}", root / SINK / ALLOWED)
        (root / _WORKERS).mkdir()
        for name in workers:
            (root / _WORKERS / name).mkdir()
            _fill(root, name, root / _WORKERS / name)
            _allow(root, name, root / _WORKERS / name)


def add_workers(directory: Path, workers: tuple[str, ...]) -> None:
    """Create folders for more workers; put their keys on the servers' lists. Raises UsageError."""
    _check_names(workers)
    for role in (VENTILATOR, SINK):
        if not (directory / role / f"{role}{SECRET}").exists():
            raise UsageError(f"{directory}: holds no keys; `fetcher keys init` makes them")
        load(directory / role, role)
    for name in workers:
        for path in (directory / _WORKERS / name, *_lists(directory, name)):
            if path.exists():
                raise UsageError(
                    f"{path}: exists already, and keys are never overwritten: choose another "
                    "name, or remove it"
                )
    for name in workers:
        folder = directory / _WORKERS / name
        with _building(folder) as fresh:
            _fill(directory, name, fresh)
        with _private(folder):
            _allow(directory, name, folder)


def _check_names(workers: tuple[str, ...]) -> None:
    for name in workers:
        check_name(name)
        if workers.count(name) > 1:
            raise UsageError(f"{name!r} is named twice")


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and not any(directory.iterdir())


def _fill(root: Path, name: str, folder: Path) -> None:
    create_certificates(folder, name)
    for role in (VENTILATOR, SINK):
        shutil.copy(root / role / f"{role}{PUBLIC}", folder)


def _allow(root: Path, name: str, folder: Path) -> None:
    for path in _lists(root, name):
        shutil.copy(folder / f"{name}{PUBLIC}", path)


def _lists(root: Path, name: str) -> list[Path]:
    return [root / role / ALLOWED / f"{name}{PUBLIC}" for role in (VENTILATOR, SINK)]


@contextlib.contextmanager
def _building(target: Path) -> Iterator[Path]:
    """Give a new directory, which becomes `target` if the block succeeds."""
    with _private(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            yield fresh
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


@contextlib.contextmanager
def _private(target: Path) -> Iterator[None]:
    """Create files for their owner only; turn an OSError into a UsageError about `target`."""
    before = os.umask(0o077)
    try:
        yield
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}; choose another directory") from error
    finally:
        os.umask(before)
