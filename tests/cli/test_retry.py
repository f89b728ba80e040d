"""`fetcher retry`: what it says; retries themselves: tests/e2e/test_retry_command.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fetcher.cli import retry
from fetcher.cli.retry import _others
from fetcher.model import Outcome
from support import outs
from support.commands import run
from support.crawl_outs import Page, make_crawl


def test_rows_that_were_not_chosen_are_counted_with_the_option_that_chooses_them() -> None:
    assert _others({}) == ""
    assert _others({"robots": 1200, "too_large": 1}) == (
        "; not ok and not chosen: robots 1,200, too_large 1; to fetch these again, add --outcome "
        "robots,too_large and name another -o"
    )


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be run: the arguments of each run."""
    found: list[dict[str, Any]] = []

    def noted(urlfile: Path, out: Path, _settings: object, **options: Any) -> None:
        found.append({"urlfile": urlfile, "out": out, **options})

    monkeypatch.setattr(retry, "run_and_report", noted)
    return found


def make(tmp_path: Path, outcome: Outcome) -> Path:
    rows = [outs.row(1), outs.row(2, outcome)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 2), rows)


def test_the_chosen_lines_are_run(tmp_path: Path, began: list[dict[str, Any]]) -> None:
    out = make(tmp_path, Outcome.TIMEOUT)
    assert run("retry", out, "-o", tmp_path / "again", "--fail-on", "dns").stderr == ""
    (job,) = began
    assert (job["urlfile"], job["out"]) == (tmp_path / "urls.txt", tmp_path / "again")
    assert (job["selection"].lines, job["quiet"], job["name"]) == (1, False, "")
    assert job["unwanted"] == {Outcome.DNS}


def test_a_retry_of_nothing_runs_quietly_and_says_why(
    tmp_path: Path, began: list[dict[str, Any]]
) -> None:
    out, again = make(tmp_path, Outcome.INVALID_URL), tmp_path / "again"
    said = run("retry", out, "-o", again, "--outcome", "dns").stderr
    assert (began[0]["quiet"], began[0]["selection"].lines) == (True, 0)
    assert said.startswith(
        f"fetcher: nothing to retry: no row of {out} matches --outcome dns; {again} has no rows; "
        "not ok and not chosen: invalid_url 1; "
    )


@pytest.mark.parametrize(("options", "says"), [((), True), (("-q",), False)])
def test_of_a_crawl_it_is_said_that_links_are_not_followed(
    tmp_path: Path, began: list[dict[str, Any]], options: tuple[str, ...], says: bool
) -> None:
    pages = {"http://a.test/": Page((), Outcome.TIMEOUT, None)}
    out = make_crawl(tmp_path / "crawl", pages, ["http://a.test/"])
    said = run("retry", out, "-o", tmp_path / "again", *options).stderr
    assert ("the links of these pages are not followed" in said) == says
    assert began[0]["name"] == "the log of crawl"
