"""The file of an export is made completely, or not at all."""

from __future__ import annotations

import gc
import hashlib
import resource
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import ConflictError, DamageError, NoSpaceError, UsageError
from fetcher.export import target
from fetcher.export.exporting import Export
from fetcher.export.forms import form_of_rows
from fetcher.export.merged import Merged
from support import outs


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """An OUT of 400 rows that do not compress."""
    rows = [
        msgspec.structs.replace(outs.row(line), sha256=hashlib.sha256(b"%d" % line).hexdigest())
        for line in range(1, 401)
    ]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 400), rows)


def export_of(out: Path, name: str) -> Export:
    merged = Merged([out], partial=False)
    form = form_of_rows(name, None, merged, formula_guard=True)
    return Export(merged.rows(), form, [part.out for part in merged.parts])


def test_the_name_appears_with_the_whole_and_what_was_left_is_taken_over(tmp_path: Path) -> None:
    path, part = tmp_path / "file", tmp_path / "file.tmp"
    part.write_bytes(b"of a killed one, and longer")
    with target.written_whole(path, force=False) as (file, name):
        assert name == part
        file.write(b"rows")
        file.flush()
        assert not path.exists()
        assert part.read_bytes() == b"rows"
    assert path.read_bytes() == b"rows"
    assert not part.exists()


def test_an_export_that_is_refused_removes_what_a_killed_one_left_too(tmp_path: Path) -> None:
    path, part = tmp_path / "file", tmp_path / "file.tmp"
    path.touch()
    part.write_bytes(b"of a killed one")
    with pytest.raises(UsageError, match="exists already"):
        target.check(path, [tmp_path / "out"], force=False)
    assert not part.exists()
    with target.written_whole(path, force=True):
        with pytest.raises(UsageError, match="exists already"):
            target.check(path, [tmp_path / "out"], force=False)
        assert part.exists()  # of a living one


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with target.written_whole(path, force=False) as (file, _):
        file.write(b"first")
        with (
            pytest.raises(ConflictError, match=r"file.tmp: another export writes it now"),
            target.written_whole(path, force=False),
        ):
            pass
    assert path.read_bytes() == b"first"


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(DamageError), target.written_whole(path, force=True) as (file, _):
        file.write(b"half")
        raise DamageError("as it may be")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    with (
        pytest.raises(UsageError, match="was made by another program meanwhile"),
        target.written_whole(path, force=False),
    ):
        pass
    assert path.read_bytes() == b"before"


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 4 KiB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["parquet", "csv", "jsonl"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    many: Path, name: str, small_files: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = many.parent / "rows"
    with pytest.raises(NoSpaceError, match=r"rows.tmp: File too large"):
        export_of(many, name).to_file(path, force=False)
    assert not list(many.parent.glob("rows*"))
    gc.collect()
    assert capfd.readouterr() == ("", "")


def test_what_may_not_be_made_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "results").mkdir(parents=True)
    (tmp_path / "link").symlink_to(out)
    there = tmp_path / "there"
    there.touch()
    for path, why in (
        (out / "results" / "part-00000.jsonl", "lies within"),
        (tmp_path / "link" / "x.csv", "lies within"),
        (tmp_path, "is a directory"),
        (Path("/dev/null"), "is not a regular file"),
        (there, "exists already; --force replaces it"),
    ):
        with pytest.raises(UsageError, match=why):
            target.check(path, [out], force=False)
    target.check(there, [out], force=True)
    with (
        pytest.raises(UsageError, match=r"missing/x.csv: No such file"),
        target.written_whole(tmp_path / "missing" / "x.csv", force=False),
    ):
        pass


@pytest.mark.parametrize("name", ["parquet", "csv", "jsonl", "sqlite"])
def test_damage_in_the_middle_of_an_export_leaves_nothing(
    many: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    part = many / "results" / "part-00000.jsonl"
    part.write_bytes(part.read_bytes().replace(b'"line":300,', b'"line":"xx"', 1))
    with pytest.raises(DamageError, match=r"part-00000.jsonl, byte \d+: is not a valid row"):
        export_of(many, name).to_file(many.parent / "rows", force=False)
    assert not list(many.parent.glob("rows*"))
    gc.collect()
    assert capfd.readouterr() == ("", "")
