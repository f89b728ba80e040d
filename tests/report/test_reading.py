"""All committed rows of an OUT are read once, in any form."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.model import Outcome
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.report import reading
from fetcher.report.reading import read
from support import outs
from support.crawl_outs import Page, make_crawl

LINES = 30


def make(tmp_path: Path, output: Output = PLAIN, count: int = LINES) -> Path:
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    rows = [outs.row(line, Outcome.DNS if line % 3 else Outcome.OK) for line in range(1, count + 1)]
    return outs.make_out(tmp_path / "out", urls, rows, segment_bytes=900, output=output)


@pytest.mark.parametrize("output", [Output(), Output("msgpack"), Output("msgpack", "zstd")])
def test_rows_of_all_segments_and_forms_are_summed(tmp_path: Path, output: Output) -> None:
    job, sums = read([make(tmp_path, output)])
    assert (job.committed, sums.rows) == (LINES, LINES)
    assert sums.outcomes == {Outcome.OK: 10, Outcome.DNS: 20}


def test_what_lies_beyond_the_last_commit_is_not_read(tmp_path: Path) -> None:
    out = make(tmp_path)
    last = max((out / "results").iterdir())
    last.write_bytes(last.read_bytes() + b'{"line":')
    assert read([out])[1].rows == LINES


def test_progress_is_reported_by_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_REPORT_EVERY", 8)
    said: list[tuple[int, int]] = []
    read([make(tmp_path)], lambda done, whole: said.append((done, whole)))
    assert said == [(8, LINES), (16, LINES), (24, LINES)]


@pytest.mark.parametrize(
    "damage", [(b'"line":2,', b'"line":"x'), (b'"outcome":"dns"', b'"outcome":"\xff\xff\xff"')]
)
def test_a_damaged_row_is_named_with_its_byte(tmp_path: Path, damage: tuple[bytes, bytes]) -> None:
    out = make(tmp_path, count=8)
    path = out / "results" / "part-00000.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(*damage, 1))
    at = whole[: whole.index(damage[0])].rfind(b"\n") + 1
    with pytest.raises(DamageError, match=rf"part-00000.jsonl: byte {at} is not a valid row"):
        read([out])


def test_a_crawl_is_summed_by_depth(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", {"http://a.test/": Page()}, ["http://a.test/"])
    job, sums = read([out])
    assert job.crawl is not None and job.crawl.found == 1
    assert sums.depths[0].rows == 1
