"""`fetcher urls` prints the URLs of chosen rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.errors import UsageError
from fetcher.model import Outcome
from support import outs
from support.commands import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An OUT of a JSON Lines input: an answer of 200, 404 and 503 each, and a timeout."""
    rows = [
        outs.row(1),
        outs.row(2, Outcome.HTTP_ERROR, 404),
        outs.row(3, Outcome.HTTP_ERROR, 503),
        outs.row(4, Outcome.TIMEOUT),
    ]
    urls = outs.write_input(tmp_path / "urls.txt", 5)
    return outs.make_out(tmp_path / "out", urls, rows)


def lines(*arguments: object) -> list[int]:
    """The line numbers that are printed."""
    return sorted(map(int, run("urls", *arguments, "--lines", "-q").stdout.split()))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [3, 4]),
        (("--outcome", "ok"), [1]),
        (("--outcome", "failed"), [2, 3, 4]),
        (("--outcome", "!ok,!timeout"), [2, 3]),
        (("--status", "404,5xx"), [2, 3]),
        (("--outcome", "timeout", "--status", "404"), [2, 4]),
        (("--outcome", "dns"), []),
        (("--outcome", "all"), [1, 2, 3, 4]),
    ],
)
def test_rows_are_chosen_by_outcome_or_status(
    out: Path, options: tuple[str, ...], expected: list[int]
) -> None:
    assert lines(out, *options) == expected


def test_urls_are_printed_one_a_line(out: Path, tmp_path: Path) -> None:
    assert run("urls", out, "--outcome", "timeout").stdout == f"{outs.url_of(4)}\n"
    odd = replace(outs.row(1), url="http://a/\r\nb")
    broken = outs.make_out(tmp_path / "odd", outs.write_input(tmp_path / "u.txt", 1), [odd])
    assert run("urls", broken, "--outcome", "all").stdout == "http://a/%0D%0Ab\n"


def test_without_options_it_is_said_what_was_left_out(out: Path) -> None:
    assert run("urls", out, "-q").stderr == run("urls", out, "--outcome", "ok").stderr == ""
    done = run("urls", out)
    assert (done.stdout.count("\n"), done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(
        "fetcher: 2 URLs that `fetcher retry` would not fetch again are left out (ok 1, "
        "http_error 1); --outcome all prints every URL"
    )


def test_one_url_that_is_left_out_is_one(tmp_path: Path) -> None:
    out = outs.make_out(tmp_path / "o", outs.write_input(tmp_path / "u.txt", 1), [outs.row(1)])
    said = run("urls", out).stderr
    assert "1 URL that `fetcher retry` would not fetch again is left out" in said


def test_a_condition_that_names_nothing_is_refused(out: Path) -> None:
    for options in (("--outcome", ","), ("--status", "600"), ("--outcome", "nonsense")):
        with pytest.raises(UsageError):
            run("urls", out, *options)
