"""Two runs are compared URL by URL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from fetcher.cli.diff import diff
from fetcher.errors import UsageError
from fetcher.export.comparison import Answer, Change, differences, judge
from fetcher.export.merged import Merged
from fetcher.model import Outcome, Result
from support import outs

OK = Answer(1, "ok", 200, None, "aa", 10)
DEAD = Answer(1, "dns")


def failed(status: int) -> Answer:
    return Answer(1, "http_error", status, None, "bb", 3)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (None, OK, Change.NEW),
        (None, DEAD, Change.NEW),
        (OK, None, Change.GONE),
        (OK, OK, Change.SAME),
        (OK, replace(OK, line=7), Change.SAME),
        (OK, replace(OK, sha256="cc"), Change.CHANGED),
        (OK, replace(OK, final_url="http://a.test/2"), Change.MOVED),
        (OK, replace(OK, final_url="http://a.test/1"), Change.SAME),
        (replace(OK, final_url="http://a.test/2"), OK, Change.MOVED),
        (OK, failed(404), Change.GONE),
        (OK, failed(410), Change.GONE),
        (OK, failed(503), Change.FAILED),
        (OK, DEAD, Change.FAILED),
        (failed(404), OK, Change.RECOVERED),
        (failed(404), failed(404), Change.FAILING),
        (DEAD, failed(404), Change.FAILING),
        # Bodies that were cut have no digest.
        (replace(OK, sha256=None), replace(OK, sha256=None), Change.SAME),
        (replace(OK, sha256=None), replace(OK, sha256=None, body_bytes=11), Change.CHANGED),
    ],
)
def test_what_happened_to_a_url(old: Answer | None, new: Answer | None, change: Change) -> None:
    assert judge("http://a.test/1", old, new) is change


def make(tmp_path: Path, name: str, urls: list[str], *, digest: str = "aa") -> Path:
    """A complete OUT with an ok row for each of these URLs."""
    urlfile = tmp_path / f"{name}.txt"
    urlfile.write_text("".join(f"{url}\n" for url in urls))
    rows = [
        Result(line, url, Outcome.OK, 200, sha256=digest, body_bytes=3)
        for line, url in enumerate(urls, 1)
    ]
    return outs.make_out(tmp_path / name, urlfile, rows)


def test_inputs_may_differ_and_repeated_urls_are_paired_in_order(tmp_path: Path) -> None:
    old = make(tmp_path, "old", ["http://b.test/", "http://a.test/", "http://a.test/"])
    new = make(tmp_path, "new", ["http://a.test/", "http://c.test/", "http://b.test/"])
    found = list(differences(Merged([old], partial=False), Merged([new], partial=False)))
    assert [
        (each.url, each.change.value, each.old and each.old.line, each.new and each.new.line)
        for each in found
    ] == [
        ("http://a.test/", "same", 2, 1),
        ("http://a.test/", "gone", 3, None),
        ("http://b.test/", "same", 1, 3),
        ("http://c.test/", "new", None, 2),
    ]


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(diff, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_counts_changes(tmp_path: Path) -> None:
    old = make(tmp_path, "old", ["http://a.test/", "http://b.test/"])
    new = make(tmp_path, "new", ["http://b.test/", "http://c.test/"], digest="bb")
    counts = json.loads(run(old, new, "--json"))
    assert {name: count for name, count in counts.items() if count} == {
        "new": 1,
        "gone": 1,
        "changed": 1,
    }
    lines = run(old, new).splitlines()
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
        CliRunner().invoke(
            diff, [str(out), str(out), *arguments], catch_exceptions=False, standalone_mode=False
        )


def test_a_run_that_has_not_ended_must_be_asked_for(tmp_path: Path) -> None:
    urlfile = outs.write_input(tmp_path / "urls.txt", 2)
    part = outs.make_out(tmp_path / "part", urlfile, [outs.row(1)])
    whole = outs.make_out(tmp_path / "whole", urlfile, [outs.row(1), outs.row(2)])
    with pytest.raises(UsageError, match="the run has not ended"):
        CliRunner().invoke(
            diff, [str(part), str(whole)], catch_exceptions=False, standalone_mode=False
        )
    counts = json.loads(run(part, whole, "--json", "--partial"))
    assert (counts["same"], counts["new"]) == (1, 1)
