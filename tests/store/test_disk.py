"""Durable file operations, and the errors that they become."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from fetcher.errors import DamageError, NoSpaceError, UsageError
from fetcher.store import disk

FULL = [errno.ENOSPC, errno.EDQUOT, errno.EFBIG]


def raise_error(code: int) -> None:
    raise OSError(code, os.strerror(code))


@pytest.mark.parametrize("code", FULL)
def test_a_lack_of_space_is_an_error_that_may_be_tried_again(code: int) -> None:
    with pytest.raises(NoSpaceError, match=f"^/out/file: {os.strerror(code)}$"):  # noqa: SIM117
        with disk.disk_errors(Path("/out/file")):
            raise_error(code)


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.EACCES])
def test_any_other_error_of_the_disk_is_damage(code: int) -> None:
    with pytest.raises(DamageError, match=f"^/out/file: {os.strerror(code)}$"):  # noqa: SIM117
        with disk.disk_errors(Path("/out/file")):
            raise_error(code)


def test_an_error_without_a_number_is_reported_with_its_own_text() -> None:
    with pytest.raises(DamageError, match=r"^/out/file: odd$"):  # noqa: SIM117
        with disk.disk_errors(Path("/out/file")):
            raise OSError("odd")


def test_other_exceptions_pass_unchanged() -> None:
    with pytest.raises(KeyError), disk.disk_errors(Path("/out/file")):
        raise KeyError("x")


@pytest.mark.parametrize(("code", "room"), [*((code, False) for code in FULL), (errno.EIO, True)])
def test_room_is_found_out_by_a_file_that_is_removed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, room: bool
) -> None:
    assert disk.has_room(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: raise_error(code))
    assert disk.has_room(tmp_path) is room
    assert not list(tmp_path.iterdir())


# -- which file it is ------------------------------------------------------------------------


def test_a_file_keeps_its_identity_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    file = disk.FileId.of(tmp_path / "a")
    assert disk.FileId.of(tmp_path / "b") != file
    (tmp_path / "a").rename(tmp_path / "c")
    assert disk.FileId.of(tmp_path / "c") == file
    with pytest.raises(DamageError, match="a: No such file"):
        disk.FileId.of(tmp_path / "a")


def test_a_file_that_was_removed_replaced_or_cut_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    file = disk.FileId.of(path)
    disk.require_file(path, file, 5)
    with pytest.raises(DamageError, match="6 bytes were written, only 5 are there"):
        disk.require_file(path, file, 6)
    (tmp_path / "b").write_bytes(b"12345")
    (tmp_path / "b").replace(path)
    with pytest.raises(DamageError, match="is not the file that the job has written"):
        disk.require_file(path, file, 5)
    path.unlink()
    with pytest.raises(DamageError, match=r"No such file .*; a running job needs this file"):
        disk.require_file(path, file)


# -- durable writes --------------------------------------------------------------------------


def test_a_failing_fsync_is_damage_whatever_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: raise_error(errno.ENOSPC))
    with pytest.raises(DamageError, match=r"fsync failed .*; what the disk holds is not known"):
        disk.fsync_dir(tmp_path)


def test_a_failing_syncfs_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tmp_path.joinpath("f").open("wb") as file:
        disk.sync_file_system(file.fileno(), tmp_path)
        monkeypatch.setattr(disk, "_syncfs", lambda _: errno.EIO)
        with pytest.raises(DamageError, match=r"syncfs failed \(Input/output error\)"):
            disk.sync_file_system(file.fileno(), tmp_path)


def test_syncfs_of_a_closed_file_returns_its_error_number() -> None:
    assert disk._syncfs(1 << 20) == errno.EBADF


def test_a_file_is_synced_before_it_gets_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "a", []

    def fsync(fd: int) -> None:
        steps.append((Path(f"/proc/self/fd/{fd}").readlink().name, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    disk.write_atomically(path, b"new")
    assert steps == [("a.tmp", False), (tmp_path.name, True)]
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_after_an_error_the_old_file_is_unchanged(tmp_path: Path, code: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(NoSpaceError if code == errno.ENOSPC else DamageError, match="a: "):  # noqa: SIM117
        with disk.replacing(path) as file:
            file.write(b"new")
            raise_error(code)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text" * 100_000)
    assert disk.sha256_of(tmp_path / "a") == hashlib.sha256(b"text" * 100_000).hexdigest()


# -- paths of users --------------------------------------------------------------------------


def test_a_directory_is_made_with_its_parents_and_may_exist(tmp_path: Path) -> None:
    disk.make_dir(tmp_path / "a" / "b", "-o")
    disk.make_dir(tmp_path / "a" / "b", "-o")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_place_of_a_directory_is_named_with_its_option(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UsageError, match=r"^-o .*a is a file, not a directory; name another one$"):
        disk.make_dir(tmp_path / "a", "-o")
    with pytest.raises(UsageError, match="Not a directory; name a directory that can be written"):
        disk.make_dir(tmp_path / "a" / "b", "-o")


@pytest.mark.parametrize("code", FULL)
def test_a_full_disk_below_a_users_path_is_not_called_wrong_usage(
    tmp_path: Path, code: int
) -> None:
    error = disk.unusable(tmp_path, "-o", OSError(code, "full"))
    assert isinstance(error, NoSpaceError)
    assert str(error) == f"-o {tmp_path}: full" and error.advice.startswith("make room")
