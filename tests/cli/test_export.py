"""`fetcher export`: its options, its mistakes, and what it says at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetcher.cli.export import _format
from fetcher.errors import UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome
from fetcher.store.selection import keep
from support import outs
from support.commands import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An OUT of two lines; the second timed out."""
    rows = [outs.row(2, Outcome.TIMEOUT), outs.row(1)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 2), rows)


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("csv", None, "csv"),
        ("csv", "rows.parquet", "csv"),
        (None, "rows.PARQUET", "parquet"),
        (None, "a.ndjson", "jsonl"),
        (None, "a.db", "sqlite"),
    ],
)
def test_the_format_is_given_or_that_of_the_name(
    name: str | None, path: str | None, expected: str
) -> None:
    assert _format(name, Path(path) if path else None) == expected


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (None, "--to is missing: choose one of parquet, csv, jsonl, sqlite"),
        ("-", "--to is missing"),
        ("rows", "-o rows: its name does not end with a known format; add --to"),
        ("rows.csv.gz", "-o rows.csv.gz: its name does not end with"),
    ],
)
def test_a_format_that_is_not_known_is_asked_for(path: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=f"^{said}"):
        _format(None, Path(path) if path else None)


def test_rows_are_chosen_sorted_and_counted(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    done = run("export", out, "-o", path, "--columns", "line,outcome", "--sort", "line")
    assert path.read_text() == "line,outcome\n1,ok\n2,timeout\n"
    assert done.stderr == f"{path}: 2 rows, {path.stat().st_size} B\n"
    done = run("export", out, "-o", path, "--force", "--where", "outcome!=ok", "--columns", "line")
    assert path.read_text() == "line\n2\n"
    assert done.stderr == f"{path}: 1 row, 7 B\n"
    assert run("export", out, "-o", path, "--force", "--outcome", "dns", "-q").stderr == ""


def test_without_a_file_it_is_called_as_out_is(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("export", out, "--to", "csv", "-q")
    assert (tmp_path / "out.csv").exists()


def test_standard_output_gets_rows_and_no_words(out: Path) -> None:
    done = run("export", out, "--to", "jsonl", "-o", "-", "--status", "200")
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == [1]
    assert done.stderr == ""


@pytest.mark.parametrize("guard", [True, False])
def test_formulas_are_guarded_unless_asked_not_to(tmp_path: Path, guard: bool) -> None:
    urls = tmp_path / "urls.csv"
    urls.write_text("url,n\nhttp://a/,=1\n")
    row = outs.replace_columns(outs.row(2), n="=1")
    made = outs.make_out(tmp_path / "out", urls, [row], outs.csv_format("url", "n"))
    options = () if guard else ("--no-formula-guard",)
    done = run("export", made, "--to=csv", "-o", "-", "--columns", "n", *options)
    assert done.stdout == ("n\n'=1\n" if guard else "n\n=1\n")


def test_replaced_and_partial_rows_are_said(out: Path, tmp_path: Path) -> None:
    merged, wanted = Merged([out], partial=False), parse("timeout", None)
    again = tmp_path / "again"
    again.mkdir()
    chosen = keep(again, wanted_lines(merged, wanted), merged.parts, wanted)
    outs.make_out(again, tmp_path / "urls.txt", [outs.row(2)], selection=chosen)
    said = run("export", out, again, "-o", tmp_path / "all.csv").stderr
    assert said.endswith("B, 1 row replaced by later ones\n")
    half = outs.make_out(tmp_path / "half", tmp_path / "urls.txt", [outs.row(1)])
    with pytest.raises(UsageError, match="the run has not ended"):
        run("export", half, "-o", tmp_path / "half.csv")
    said = run("export", half, "-o", tmp_path / "half.csv", "--partial").stderr
    assert said.endswith("B, of a run that has not ended\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--files", "f", "--to", "csv"), "--to does not go with --files"),
        (("--files", "f", "-o", "x.csv"), "-o does not go with --files"),
        (("--files", "f", "--columns", "line"), "--columns does not go with --files"),
        (("--files", "f", "--links"), "--links does not go with --files"),
        (("--to", "csv", "--with-rows"), "--with-rows goes with --files DIR"),
        (("--to", "csv", "--link"), "--link goes with --files DIR"),
        (("--to", "csv", "--filename", "{line}"), "--filename goes with --files DIR"),
        (("--to", "sqlite", "-o", "-"), "--to sqlite cannot go to standard output"),
        (("--links", "--to", "csv", "--sort", "line"), "--sort does not go with --links"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    out: Path, options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{said}"):
        run("export", out, *options)
