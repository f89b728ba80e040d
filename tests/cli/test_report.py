"""`fetcher report` writes a page, or prints a summary or JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.model import Outcome
from support import outs
from support.commands import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    rows = [outs.row(1), outs.row(2, Outcome.DNS)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 2), rows)


def test_the_page_has_the_name_of_out_unless_one_is_given(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = run("report", out).stdout.splitlines()
    assert first.startswith("urls.txt: complete, 2 of 2 lines, 50.0 % ok")
    assert second.startswith("out.html: ")
    assert (tmp_path / "out.html").read_text("utf-8").startswith("<!doctype html>")
    assert run("report", out, "-o", tmp_path / "x.html", "-q").stdout == ""
    assert (tmp_path / "x.html").exists()


def test_text_and_json_write_no_page(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert "dns" in run("report", out, "--text").stdout
    found = json.loads(run("report", out, "--json").stdout)
    assert (found["rows"], found["ok"], found["failed"]) == (2, 1, 1)
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "x.html", "--text"), "-o FILE names the page, which --text and --json do not"),
        (("-o", "x.html", "--json"), "-o FILE names the page"),
        (("-o", "."), "-o .: is a directory; name a file"),
        (("-o", "none/x.html"), "name a file that can be written"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused(
    out: Path, options: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        run("report", out, *options)
