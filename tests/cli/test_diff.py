"""`fetcher diff` counts and prints what changed between two runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.comparison import Change
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome, Result
from fetcher.store.selection import keep
from support import outs
from support.commands import run


def make(tmp_path: Path, name: str, urls: list[str], *, digest: str = "aa") -> Path:
    """A complete OUT with an ok row for each of these URLs."""
    urlfile = tmp_path / f"{name}.txt"
    urlfile.write_text("".join(f"{url}\n" for url in urls))
    rows = [
        Result(line, url, Outcome.OK, 200, sha256=digest, body_bytes=3)
        for line, url in enumerate(urls, 1)
    ]
    return outs.make_out(tmp_path / name, urlfile, rows)


def test_the_command_counts_changes(tmp_path: Path) -> None:
    old = make(tmp_path, "old", ["http://a.test/", "http://b.test/"])
    new = make(tmp_path, "new", ["http://b.test/", "http://c.test/"], digest="bb")
    counts = json.loads(run("diff", old, new, "--json").stdout)
    assert {name: count for name, count in counts.items() if count} == {
        "new": 1,
        "gone": 1,
        "changed": 1,
    }
    lines = run("diff", old, new).stdout.splitlines()
    assert len(lines) == len(Change)
    assert lines[2] == "changed    1  ok in both, another body"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "newer"], "--only: 'newer' is not a change; they are new, gone"),
        (["--only", ","], "--only: name at least one change"),
        (["--only", "new", "--json"], "leave one out"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    out = make(tmp_path, "old", ["http://a.test/"])
    with pytest.raises(UsageError, match=said):
        run("diff", out, out, *arguments)


def test_a_run_that_has_not_ended_must_be_asked_for(tmp_path: Path) -> None:
    urlfile = outs.write_input(tmp_path / "urls.txt", 2)
    part = outs.make_out(tmp_path / "part", urlfile, [outs.row(1)])
    whole = outs.make_out(tmp_path / "whole", urlfile, [outs.row(1), outs.row(2)])
    with pytest.raises(UsageError, match="the run has not ended"):
        run("diff", part, whole)
    counts = json.loads(run("diff", part, whole, "--json", "--partial").stdout)
    assert (counts["same"], counts["new"]) == (1, 1)


def test_the_urls_with_some_changes_are_printed_as_json_lines(tmp_path: Path) -> None:
    old = make(tmp_path, "old", ["http://a.test/", "http://b.test/"])
    new = make(tmp_path, "new", ["http://b.test/", "http://c.test/"], digest="bb")
    lines = run("diff", old, new, "--only", "New, GONE,").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(each["url"], each["change"]) for each in found] == [
        ("http://a.test/", "gone"),
        ("http://c.test/", "new"),
    ]
    assert run("diff", old, new, "--only", "same").stdout == ""


def test_counts_are_aligned(tmp_path: Path) -> None:
    old = make(tmp_path, "old", [f"http://a.test/{n}" for n in range(1000)])
    lines = run("diff", old, old).stdout.splitlines()
    assert lines[0] == "new            0  only in the second run"
    assert lines[-1] == "same       1,000  ok in both, the same body"


def retried(parent: Path, out: Path, urlfile: Path, rows: list[Result]) -> Path:
    """The OUT of a retry of the lines with a timeout, which brought these rows."""
    out.mkdir()
    merged, wanted = Merged([parent], partial=False), parse("timeout", None)
    selection = keep(out, wanted_lines(merged, wanted), merged.parts, wanted)
    return outs.make_out(out, urlfile, rows, selection=selection)


def counts_of(old: Path, new: Path) -> dict[str, int]:
    counts = json.loads(run("diff", old, new, "--json").stdout)
    return {name: count for name, count in counts.items() if count}


def test_lines_that_a_retry_did_not_try_are_as_they_were(tmp_path: Path) -> None:
    same, others = "http://a.test/", [f"http://{name}.test/" for name in "bcd"]
    urls = [same, same, *others]
    urlfile = tmp_path / "urls.txt"
    urlfile.write_text("".join(f"{url}\n" for url in urls))
    outcomes = {1: Outcome.OK, 2: Outcome.TIMEOUT, 3: Outcome.TIMEOUT, 4: Outcome.DNS}

    def row(line: int, outcome: Outcome) -> Result:
        if outcome != "ok":
            return Result(line, urls[line - 1], outcome)
        return Result(line, urls[line - 1], outcome, 200, sha256="aa", body_bytes=3)

    rows = [row(line, outcomes.get(line, Outcome.OK)) for line in range(1, 6)]
    first = outs.make_out(tmp_path / "first", urlfile, rows)
    tried = [row(2, Outcome.OK), row(3, Outcome.TIMEOUT)]
    second = retried(first, tmp_path / "second", urlfile, tried)
    assert counts_of(first, second) == {"recovered": 1, "failing": 2, "same": 2}

    third = retried(second, tmp_path / "third", urlfile, [row(3, Outcome.OK)])
    assert counts_of(second, third) == {"recovered": 1, "same": 1}
    assert counts_of(first, third) == {"recovered": 1, "failing": 2, "same": 2}
