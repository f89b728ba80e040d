"""`retry` as programs use it: the failed lines are fetched again, under their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.api import fetch, retry
from fetcher.errors import ConflictError, InputError, UsageError
from support import jobs
from support.programs import ONE
from tools.site.running import RunningSite

pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture
def failed(site: RunningSite, tmp_path: Path) -> Path:
    """The OUT of a job with one line that worked, and three that did not."""
    paths = ("/bytes/1", "/status/503", "/status/404", "/status/500")
    out = tmp_path / "out"
    assert len(list(fetch(map(site.url, paths), out=out, settings=ONE))) == 4
    return out


def test_lines_that_another_try_could_change_are_fetched_again(
    failed: Path, tmp_path: Path
) -> None:
    rows = list(retry(failed, settings=ONE))
    assert sorted((row.line, row.status) for row in rows) == [(2, 503), (4, 500)]
    assert not (tmp_path / "out2").exists()


@pytest.mark.parametrize(
    ("chosen", "lines"),
    [
        ({"outcomes": "ok"}, [1]),
        ({"outcomes": ["ok"], "statuses": [404, "503"]}, [1, 2, 3]),
        ({"statuses": 404}, [3]),
        ({"outcomes": "timeout"}, []),
    ],
)
def test_outcomes_and_statuses_choose_the_lines(
    failed: Path, chosen: dict[str, object], lines: list[int]
) -> None:
    rows = retry([failed], settings=ONE, **chosen)  # type: ignore[arg-type]
    assert sorted(row.line for row in rows) == lines


def test_with_out_the_rows_stay_and_the_same_call_resumes(failed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    first = sorted(row.line for row in retry(failed, out=again, settings=ONE))
    assert (
        first == sorted(row.line for row in retry(str(failed), out=again, settings=ONE)) == [2, 4]
    )
    assert jobs.call("verify", again).returncode == 0
    with pytest.raises(ConflictError, match="was begun with"):
        list(retry(failed, out=again, outcomes="ok", settings=ONE))


def test_a_retry_of_nothing_is_complete(failed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert list(retry(failed, out=again, outcomes="timeout", settings=ONE)) == []
    assert jobs.call("export", failed, again, "-o", tmp_path / "all.csv").returncode == 0


def test_what_cannot_be_retried_is_an_error_of_fetcher(failed: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such outcome"):
        retry(failed, outcomes="timeuot")
    with pytest.raises(UsageError, match="parents: name the directory"):
        retry([])
    with pytest.raises(UsageError, match="no job was begun here"):
        list(retry(tmp_path))
    with pytest.raises(UsageError, match="is the directory to retry"):
        list(retry(failed, out=failed))
    urls = failed / "input.urls"
    urls.rename(tmp_path / "moved.jsonl")
    with pytest.raises(InputError, match="is not there"):
        list(retry(failed))
    rows = retry(failed, urls=tmp_path / "moved.jsonl", settings=ONE)
    assert sorted(row.line for row in rows) == [2, 4]
