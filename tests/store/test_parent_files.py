"""The folder of a refresh finds the rows of the earlier job, whatever form they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.errors import DamageError, UsageError
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Output
from fetcher.rows.forms import CODECS
from fetcher.store import parent_files
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.parent_files import ROWS_NAME, Built
from fetcher.store.parent_index import load_index
from fetcher.store.pieces import Pieces
from fetcher.store.reader import read_part
from support import outs


def page(line: int, **changes: object) -> Result:
    """The row of a page with an ETag."""
    whole = replace(outs.row(line), sha256=f"{line:064}", headers=[("ETag", "1")])
    return replace(whole, **changes)


def lines_of(again: Path, *outs_: Path) -> dict[int, str | None]:
    """The digest in the row of each line that the folder has."""
    parent_files.build(again, [read_part(out) for out in outs_], is_conditional=True)
    index = load_index(again / PARENT_NAME)
    pieces = Pieces(again / PARENT_NAME / ROWS_NAME, [file.path for file in index.rows])
    found = {}
    for line in range(1, 20):
        raw, number = pieces.piece_of(line)
        if raw:
            row = CODECS[index.rows[number].form].decode(raw)
            assert row.line == line
            found[line] = row.sha256
    pieces.close()
    return found


@pytest.mark.parametrize("rows", ["jsonl", "msgpack"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_each_complete_answer_is_found(tmp_path: Path, rows: str, compression: str) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 12)
    made = [page(line) for line in range(1, 11)]
    made += [outs.row(11, Outcome.TIMEOUT), page(12, sha256=None, truncated=True)]
    output = Output(rows=rows, compression=compression)  # type: ignore[arg-type]
    out = outs.make_out(tmp_path / "out", urls, made, output=output, segment_bytes=500)
    (tmp_path / "again").mkdir()
    assert lines_of(tmp_path / "again", out) == {line: f"{line:064}" for line in range(1, 11)}


def test_of_several_rows_of_a_line_the_newest_counts(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    old = outs.make_out(tmp_path / "old", urls, [page(1), page(2), outs.row(3, Outcome.DNS)])
    new = [page(1, sha256="f" * 64), outs.row(2, Outcome.DNS), page(3)]
    newer = outs.make_out(tmp_path / "new", urls, new)
    (tmp_path / "again").mkdir()
    assert lines_of(tmp_path / "again", old, newer) == {1: "f" * 64, 3: f"{3:064}"}


def test_pages_are_counted_and_those_with_validators(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    rows = [page(1), page(2, headers=[("last-modified", "x")]), page(3, headers=[])]
    out = outs.make_out(tmp_path / "out", urls, rows)
    (tmp_path / "again").mkdir()
    parts = [read_part(out)]
    assert parent_files.build(tmp_path / "again", parts, is_conditional=True) == Built(3, 2)
    parent_files.remove(tmp_path / "again")
    assert not list((tmp_path / "again").iterdir())


def test_damaged_rows_and_a_missing_index_are_said(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    out = outs.make_out(tmp_path / "out", urls, [page(1)])
    (part,) = (out / "results").iterdir()
    part.write_bytes(part.read_bytes().replace(b'"line":1', b'"line":x'))
    (tmp_path / "again").mkdir()
    with pytest.raises(DamageError, match="is not a valid row"):
        parent_files.build(tmp_path / "again", [read_part(out)], is_conditional=True)


def test_a_host_must_see_the_folder_and_the_earlier_job(tmp_path: Path) -> None:
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 1), [page(1)])
    again = tmp_path / "again"
    again.mkdir()
    folder = parent_files.folder_of(again)
    with pytest.raises(UsageError, match=rf"{folder}: this host does not see it"):
        parent_files.require_seen(folder)
    parent_files.build(again, [read_part(out)], is_conditional=True)
    parent_files.require_seen(folder)
    out.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=rf"{out}: this host does not see it"):
        parent_files.require_seen(folder)
