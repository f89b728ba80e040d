"""`fetcher export --files` says how many bodies it has written."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.cli.export_files import _result
from fetcher.errors import UsageError
from fetcher.export.bodies import BodyCounts
from fetcher.model import Outcome
from support import bodied, outs
from support.commands import run


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (BodyCounts(), "f: 0 files, 0 B"),
        (BodyCounts(written=1, bytes=5), "f: 1 file, 5 B"),
        (
            BodyCounts(written=2000, existing=1, bytes=4096, without_body=1),
            "f: 2,001 files, 4.0 KiB, 1 of them were there already, 1 row had no body",
        ),
        (BodyCounts(without_body=2), "f: 0 files, 0 B, 2 rows had no body"),
    ],
)
def test_the_line_at_the_end(counts: BodyCounts, said: str) -> None:
    assert _result(Path("f"), counts) == said


@pytest.fixture
def out(tmp_path: Path) -> Path:
    page = bodied.answered(outs.row(1), b"<p>", "text/html")
    return bodied.make_out(tmp_path, [(page, b"<p>"), (outs.row(2, Outcome.DNS), None)])


def test_bodies_become_files_under_the_names_of_a_template(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    done = run("export", out, "--files", folder, "--filename", "{line:4}{ext}", "--with-rows")
    assert {path.name for path in folder.iterdir()} == {"0001.html", "0001.html.json"}
    assert done.stderr == f"{folder}: 1 file, 3 B, 1 row had no body\n"
    again = run("export", out, "--files", folder, "--filename", "{line:4}{ext}")
    assert (
        again.stderr == f"{folder}: 1 file, 3 B, 1 of them were there already, 1 row had no body\n"
    )


def test_only_bodies_of_chosen_rows_are_written(out: Path, tmp_path: Path) -> None:
    done = run("export", out, "--files", tmp_path / "files", "--outcome", "dns")
    assert done.stderr == f"{tmp_path / 'files'}: 0 files, 0 B, 1 row had no body\n"


def test_a_job_without_bodies_is_refused(tmp_path: Path) -> None:
    none = outs.make_out(tmp_path / "o", outs.write_input(tmp_path / "u", 1), [outs.row(1)])
    with pytest.raises(UsageError, match="its job keeps no bodies"):
        run("export", none, "--files", tmp_path / "files")
