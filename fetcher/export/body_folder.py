"""The folder of an export of bodies: each file in it is complete.

A file is written under a temporary name, and then renamed. An existing file with the same content
is left alone, so that the same export resumes; a file with other content is replaced only with
--force. The writer holds a lock on the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from fetcher.errors import ConflictError, FetcherError, NoSpaceError, UsageError
from fetcher.export.body_source import Body
from fetcher.export.target import require_outside
from fetcher.store.disk import disk_errors, is_disk_full, sync_file_system
from fetcher.store.manifest import MANIFEST_NAME

_TEMPORARY: Final = ".fetcher-export.tmp"  # a template never makes a name with a dot at its start


class BodyFolder:
    """Writes files below a folder. Raises FetcherError."""

    def __init__(self, path: Path, outs: Sequence[Path], *, force: bool, link: bool) -> None:
        """`outs`: directories that must not be written to; `force`: replace files with other
        content; `link`: make hard links to bodies that are files of OUT.
        """
        self._path = path
        self._outs = outs
        self._force = force
        self._link = link
        self._part = path / _TEMPORARY
        self._below: set[Path] = set()  # of these directories, those within the folder
        self._checked: set[Path] = set()  # folders that are neither links nor OUTs

    def __enter__(self) -> Self:
        folder = self._path.resolve()
        require_outside(folder, self._outs, f"--files {self._path}")
        outs = (each.resolve() for each in self._outs)
        self._below = {
            self._path / each.relative_to(folder) for each in outs if each.is_relative_to(folder)
        }
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unusable(self._path, error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise ConflictError(f"{self._path}: another export writes to it now") from error
        self._remove_part()  # of a killed export
        return self

    def __exit__(self, *_: object) -> None:
        self._remove_part()
        os.close(self._fd)

    def _remove_part(self) -> None:
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _require_own_folders(self, path: Path) -> None:
        """Raises UsageError if a folder on the way is a link, or belongs to a job.

        A link could lead to anywhere, and so could the value that a template put into its name.
        """
        for folder in path.parents:
            if folder == self._path or folder in self._checked:
                break
            if folder.is_symlink():
                raise UsageError(f"{folder}: is a symbolic link; remove it, or name another folder")
            if folder in self._below or (folder / MANIFEST_NAME).exists():
                raise UsageError(
                    f"{path}: lies within an OUT, which only fetcher writes to; name another folder"
                )
            self._checked.add(folder)

    def put(self, name: str, body: Body) -> bool:
        """Make the file `name`; returns False if it exists with this content."""
        path = self._path / name
        self._require_own_folders(path)
        if self._is_there(path, body):
            return False
        try:
            if self._link and body.file is not None:
                for _ in body.blocks():  # raises DamageError if the file has changed
                    pass
                self._make_link(path, body.file)
            else:
                self._write(path, body)
            self._rename(path)
        except BaseException:
            self._remove_part()
            raise
        return True

    def sync(self) -> None:
        """Make all files durable."""
        sync_file_system(self._fd, self._path)

    def _is_there(self, path: Path, body: Body) -> bool:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self._unusable(path, error) from error
        if stat.S_ISDIR(found.st_mode):
            raise UsageError(f"{path}: is a folder, and a body is to get this name; move it away")
        if stat.S_ISREG(found.st_mode) and found.st_size == body.size and _is_same(path, body):
            return True
        if not self._force:
            raise UsageError(
                f"{path}: is there already, with other content; name another folder with --files, "
                "or replace such files with --force"
            )
        return False

    def _make_link(self, path: Path, source: Path) -> None:
        try:
            os.link(source, self._part, follow_symlinks=False)
        except OSError as error:
            if is_disk_full(error):
                raise NoSpaceError(f"{path}: {error.strerror}") from error
            raise UsageError(
                f"--link: {source} cannot be linked to {self._path} ({error.strerror}); leave out "
                "--link for copies"
            ) from error

    def _write(self, path: Path, body: Body) -> None:
        try:
            # Never opens an existing file, or a link to one.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(self._part, flags, 0o666)
        except OSError as error:
            raise self._unusable(path, error) from error
        with disk_errors(path), open(fd, "wb", buffering=0) as file:
            for block in body.blocks():
                view = memoryview(block)
                while view:
                    view = view[file.write(view) :]

    def _rename(self, path: Path) -> None:
        try:
            try:
                self._part.rename(path)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._part.rename(path)
        except OSError as error:
            raise self._unusable(path, error) from error

    def _unusable(self, path: Path, error: OSError) -> FetcherError:
        if is_disk_full(error):
            return NoSpaceError(f"{path}: {error.strerror}")
        return UsageError(f"{path}: {error.strerror}; name another folder with --files")


def _is_same(path: Path, body: Body) -> bool:
    """Whether the file has this content; it has the same size."""
    try:
        with path.open("rb") as file:
            same = all(file.read(len(block)) == block for block in body.blocks())
    except OSError:
        return False  # a file that cannot be read is reported as one with other content
    return same
