"""Files and bytes that do not belong to a complete job."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.protocol.output_spec import Bodies
from fetcher.store.reader import read_part
from fetcher.verify.stray_files import stray_files
from support import bodied
from support.crawl_outs import Page, make_crawl
from support.outs import make_out, row, write_input


def strays(out: Path) -> list[str]:
    return list(stray_files(read_part(out)))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_out(tmp_path / "out", write_input(tmp_path / "urls.txt", 2), [row(1), row(2)])


def test_a_job_as_it_was_written_has_none(out: Path) -> None:
    assert strays(out) == []


@pytest.mark.parametrize(("more", "said"), [(b"x", "1 byte"), (b"x" * 1500, "1,500 bytes")])
def test_bytes_after_the_last_row_are_to_be_cut_off(out: Path, more: bytes, said: str) -> None:
    path = out / "results" / "part-00000.jsonl"
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(more)
    assert strays(out) == [
        f"{path}: has {said} after its last row, not of the job; cut them off with "
        f"`truncate -s {size} FILE`"
    ]


def test_other_files_are_to_be_removed_unless_they_are_empty(out: Path) -> None:
    path = out / "results" / "part-00001.jsonl"
    path.touch()
    assert strays(out) == []
    path.write_bytes(b"x")
    (found,) = strays(out)
    assert found.startswith(f"{path}: does not belong to the job; remove it, as programs that read")


def test_in_a_job_that_has_not_ended_they_are_normal(tmp_path: Path) -> None:
    half = make_out(tmp_path / "out", write_input(tmp_path / "urls.txt", 2), [row(1)])
    (half / "results" / "part-00001.jsonl").write_bytes(b"x")
    assert strays(half) == []


@pytest.mark.parametrize("folder", ["frontier", "links"])
def test_the_log_and_the_links_of_a_crawl_are_looked_at_too(tmp_path: Path, folder: str) -> None:
    out = make_crawl(tmp_path / "out", {"http://a.test/": Page()}, ["http://a.test/"])
    assert strays(out) == []
    (out / folder / "other").write_bytes(b"x")
    (found,) = strays(out)
    assert found.startswith(f"{out / folder / 'other'}: does not belong")


@pytest.mark.parametrize(("mode", "count"), [("warc", 1), ("files", 0)])
def test_only_warc_files_have_names_of_their_own(tmp_path: Path, mode: Bodies, count: int) -> None:
    given = [(bodied.answered(row(1), b"body", "text/plain"), b"body")]
    out = bodied.make_out(tmp_path, given, mode)
    assert strays(out) == []
    (out / "bodies" / "other").write_bytes(b"x")
    assert len(strays(out)) == count
