"""What `fetcher run` says before and after the roles; jobs: tests/e2e/test_program.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fetcher.cli import run as run_module
from fetcher.errors import FailedRowsError, StoppedError
from fetcher.model import Outcome, Result
from support import outs
from support.commands import run

Roles = Callable[..., None]


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    return outs.write_input(tmp_path / "urls.txt", 3)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The arguments of each run. Its roles give each line of the file a row, as `_rows` says."""
    found: list[tuple[Any, ...]] = []

    def run_job(urlfile: Path, out: Path, *rest: Any, **_: Any) -> None:
        found.append((urlfile, out, *rest))
        if not (out / "manifest.json").exists():
            outs.make_out(out, urlfile, _rows())

    monkeypatch.setattr(run_module, "run_job", run_job)
    return found


def _rows() -> list[Result]:
    return [outs.row(1), outs.row(2, Outcome.DNS), outs.row(3)]


Jobs = list[tuple[Any, ...]]


def test_the_summary_and_the_next_steps_come_at_the_end(
    urls: Path, jobs: Jobs, tmp_path: Path
) -> None:
    done = run("run", urls, "-o", tmp_path / "out", "--workers", "3")
    assert done.stdout.split()[:3] == ["outcome", "lines", "share"]
    assert "1 not ok: " in done.stdout
    (job,) = jobs
    assert job[:2] == (urls, tmp_path / "out")
    assert job[2].worker.processes == 3


def test_quiet_prints_nothing(urls: Path, jobs: Jobs, tmp_path: Path) -> None:
    assert run("run", urls, "-o", tmp_path / "out", "-q") == (0, "", "")


@pytest.mark.parametrize("options", [(), ("-q",)])
def test_unwanted_outcomes_are_looked_for_also_when_quiet(
    urls: Path, jobs: Jobs, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with pytest.raises(FailedRowsError, match="1 of 3 rows has an outcome"):
        run("run", urls, "-o", tmp_path / "out", "--fail-on", "dns", *options)
    assert run("run", urls, "-o", tmp_path / "out", "--fail-on", "tls", *options).code == 0


def half(tmp_path: Path, urls: Path) -> Path:
    return outs.make_out(tmp_path / "out", urls, [outs.row(1)])


@pytest.mark.parametrize(
    ("options", "says"),
    [((), True), (("-q",), False), (("--own-servers",), False)],
)
def test_a_resumed_job_says_why_it_waits_if_it_is_polite(
    urls: Path, jobs: Jobs, tmp_path: Path, options: tuple[str, ...], says: bool
) -> None:
    out = half(tmp_path, urls)
    assert bool(run("run", urls, "-o", out, *options).stderr) == says


def test_a_job_that_is_complete_or_new_waits_for_nothing(
    urls: Path, jobs: Jobs, tmp_path: Path
) -> None:
    for _ in range(2):
        assert run("run", urls, "-o", tmp_path / "out").stderr == ""


@pytest.mark.parametrize(
    ("rows", "said"), [(1, "1 line is"), (2, "2 lines are"), (0, "0 lines are")]
)
def test_a_stopped_run_says_what_is_safe(
    urls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, said: str
) -> None:
    out = tmp_path / "out"

    def stopped(*_: object, **__: object) -> None:
        outs.make_out(out, urls, map(outs.row, range(1, rows + 1)))
        raise StoppedError("stopped")

    monkeypatch.setattr(run_module, "run_job", stopped)
    with pytest.raises(StoppedError, match=rf"^stopped \({said} done and safe in {out}\)$"):
        run("run", urls, "-o", out, "-q")


def test_the_page_is_named(urls: Path, jobs: Jobs, tmp_path: Path) -> None:
    run("run", urls, "-o", tmp_path / "out", "--web", "8123")
    display = jobs[0][3]
    assert "http://127.0.0.1:8123/" in str(vars(display))
