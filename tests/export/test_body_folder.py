"""The files of an export of bodies are complete, and other files are not touched."""

from __future__ import annotations

import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.errors import ConflictError, DamageError, NoSpaceError, UsageError
from fetcher.export.body_folder import BodyFolder
from fetcher.export.body_source import Body


def body(data: bytes = b"body") -> Body:
    return Body(hashlib.sha256(data).hexdigest(), len(data), data)


def filed(path: Path, data: bytes = b"body") -> Body:
    path.write_bytes(data)
    return Body(hashlib.sha256(b"body").hexdigest(), 4, b"", path)


def folder(path: Path, *, force: bool = False, link: bool = False) -> BodyFolder:
    return BodyFolder(path, [path.parent / "out"], force=force, link=link)


def files(path: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


def test_folders_are_made_and_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "files"
    with folder(path) as made:
        assert made.put("x/y/1.txt", body())
        assert made.put("x/2.txt", body(b""))
        made.sync()
    before = (path / "x/y/1.txt").stat()
    # Reading the file to compare it may set the time of the last access.
    kept = (before.st_ino, before.st_mtime_ns, before.st_ctime_ns, before.st_mode)
    with folder(path) as made:
        assert not made.put("x/y/1.txt", body())
        assert not made.put("x/2.txt", body(b""))
    after = (path / "x/y/1.txt").stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns, after.st_mode) == kept
    assert files(path) == {"x/y/1.txt": b"body", "x/2.txt": b""}


def test_no_file_leaves_the_folder_by_a_link_or_goes_into_a_job(tmp_path: Path) -> None:
    path, other = tmp_path / "files", tmp_path / "other"
    for each in (path / "job", other):
        each.mkdir(parents=True)
    (path / "host").symlink_to(other)
    (path / "job/manifest.json").write_text("{}")
    with folder(path, force=True) as made:
        for name, said in (
            ("host/1.txt", "symbolic link"),
            ("host/a/1.txt", "symbolic link"),
            ("job/manifest.json", "lies within an OUT"),
            ("job/x/1.txt", "lies within an OUT"),
        ):
            with pytest.raises(UsageError, match=said):
                made.put(name, body())
    assert not files(other) and files(path) == {"job/manifest.json": b"{}"}


@pytest.mark.parametrize("there", [b"else", b"longer than it", b""])
def test_a_file_with_other_content_is_replaced_only_by_force(tmp_path: Path, there: bytes) -> None:
    path = tmp_path / "files"
    path.mkdir()
    (path / "1.txt").write_bytes(there)
    with folder(path) as made, pytest.raises(UsageError, match=r"1.txt: is there already, with"):
        made.put("1.txt", body())
    assert files(path) == {"1.txt": there}
    with folder(path, force=True) as made:
        assert made.put("1.txt", body())
    assert files(path) == {"1.txt": b"body"}


def test_a_link_that_lies_there_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "files"
    path.mkdir()
    for target in (tmp_path / "precious", tmp_path / "not there"):
        (tmp_path / "precious").write_bytes(b"body")
        for name in ("1.txt", ".fetcher-export.tmp"):
            (path / name).unlink(missing_ok=True)
            (path / name).symlink_to(target)
        with folder(path) as made, pytest.raises(UsageError, match="with other content"):
            made.put("1.txt", body())
        with folder(path, force=True) as made:
            assert made.put("1.txt", body(b"new"))
        assert not (path / "1.txt").is_symlink()
        assert (tmp_path / "precious").read_bytes() == b"body"
        assert not (tmp_path / "not there").exists()


def test_what_a_killed_export_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / ".fetcher-export.tmp").write_bytes(b"half")
    with folder(tmp_path / "files"):
        pass
    assert files(tmp_path / "files") == {}


def test_a_body_that_is_not_the_one_of_its_name_gets_no_file(tmp_path: Path) -> None:
    for link in (False, True):
        with folder(tmp_path / "files", link=link) as made:
            with pytest.raises(DamageError, match="its content does not fit its name"):
                made.put("1.txt", filed(tmp_path / "damaged", b"bode"))
            (tmp_path / "damaged").unlink()
            with pytest.raises(DamageError, match="No such file"):
                made.put("1.txt", Body("", 4, b"", tmp_path / "damaged"))
        assert files(tmp_path / "files") == {}


def test_copies_are_files_of_their_own_and_links_are_not(tmp_path: Path) -> None:
    source = filed(tmp_path / "source")
    with folder(tmp_path / "copies") as made:
        assert made.put("1.txt", source)
    with folder(tmp_path / "links", link=True) as made:
        assert made.put("1.txt", source)
        assert made.put("2.txt", source)
        assert not made.put("2.txt", source)
    assert not (tmp_path / "copies" / "1.txt").samefile(tmp_path / "source")
    assert (tmp_path / "links" / "1.txt").samefile(tmp_path / "source")
    assert set(files(tmp_path / "links")) == {"1.txt", "2.txt"}


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_a_link_to_another_file_system_is_one_line(tmp_path: Path) -> None:
    if Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    source = Path("/dev/shm") / f"fetcher-test-{os.getpid()}"
    try:
        linked = filed(source)
        with (
            folder(tmp_path / "files", link=True) as made,
            pytest.raises(UsageError, match="leave out --link for copies"),
        ):
            made.put("1.txt", linked)
    finally:
        source.unlink(missing_ok=True)


def test_what_cannot_be_a_folder_or_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "out" / "results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for path, why in (
        (tmp_path / "file", "File exists; name another folder"),
        (tmp_path / "file" / "x", "Not a directory; name another folder"),
        (tmp_path / "out" / "files", "lies within"),
        (tmp_path / "link", "lies within"),
    ):
        with (
            pytest.raises(UsageError, match=why),
            BodyFolder(path, [tmp_path / "out"], force=True, link=False),
        ):
            pass
    with folder(tmp_path / "files", force=True) as made:
        made.put("a", body())
        with pytest.raises(UsageError, match="Not a directory"):
            made.put("a/b", body())
        made.put("c/d", body())
        with pytest.raises(UsageError, match="is a folder"):
            made.put("c", body())
    assert files(tmp_path / "files") == {"a": b"body", "c/d": b"body"}


def test_no_file_is_made_in_an_out_that_lies_below_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "jobs" / "out"
    out.mkdir(parents=True)
    with BodyFolder(tmp_path, [out], force=True, link=False) as made:
        for name in ("jobs/out/manifest.json", "jobs/out/bodies/x"):
            with pytest.raises(UsageError, match="lies within an OUT"):
                made.put(name, body())
        assert made.put("jobs/out2/x", body())
    assert not list(out.iterdir())


def test_two_exports_to_one_folder_do_not_mix(tmp_path: Path) -> None:
    with folder(tmp_path / "files") as first:
        with (
            pytest.raises(ConflictError, match="another export writes to it now"),
            folder(tmp_path / "files"),
        ):
            pass
        assert first.put("1.txt", body())


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 4 KiB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line_and_leaves_whole_files(tmp_path: Path, small_files: None) -> None:
    with folder(tmp_path / "files") as made:
        assert made.put("1.txt", body())
        with pytest.raises(NoSpaceError, match=r"2.txt: File too large"):
            made.put("2.txt", body(bytes(5000)))
    assert files(tmp_path / "files") == {"1.txt": b"body"}
