"""The facts of a job, from its manifest and its journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.commit.rate import Work
from fetcher.model import Outcome
from fetcher.protocol.shard import Share
from fetcher.report.job import SettingShown, job_of
from fetcher.store import manifest
from fetcher.store.reader import read_all, read_part
from support import outs


def test_a_complete_job(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    out = outs.make_out(tmp_path / "out", urls, map(outs.row, (1, 2, 3)))
    job = job_of(read_all([out]))
    assert (job.state, job.committed, job.url_lines, job.url_lines_exact) == (
        "complete",
        3,
        3,
        True,
    )
    assert (job.input, job.input_path) == ("urls.txt", str(urls))
    assert (job.input_bytes, job.absent, job.crawl) == (urls.stat().st_size, [], None)
    assert job.updated_at_s is not None


def test_a_job_that_has_not_ended_knows_its_lines_once_they_were_counted(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    out = outs.make_out(tmp_path / "out", urls, [outs.row(2, Outcome.DNS)])
    job = job_of(read_all([out]))
    assert (job.state, job.committed, job.url_lines) == ("stopped", 1, 3)


@pytest.fixture
def sinks(tmp_path: Path) -> list[Path]:
    """The OUTs of a job of 20 rows with two sinks."""
    urls = outs.write_input(tmp_path / "urls.txt", 20)
    rows = [outs.row(line) for line in range(1, 21)]
    one = outs.make_out(tmp_path / "one", urls, rows, share=Share(0, 2))
    of = read_part(one).manifest.job
    return [one, outs.make_out(tmp_path / "two", urls, rows, share=Share(1, 2), job=of)]


def test_the_rows_of_all_sinks_are_one_job_and_absent_ones_are_named(sinks: list[Path]) -> None:
    assert job_of(read_all(sinks)).committed == 20
    assert job_of(read_all(sinks[:1])).absent == ["sink 2 of 2"]


@pytest.mark.parametrize(
    ("section", "name", "value", "shown"),
    [
        ("http", "total_timeout_s", 7, SettingShown("http.total_timeout_s", "7", "60.0")),
        ("http", "no_such", "a", SettingShown("http.no_such", '"a"', None)),
        ("gone", "key", True, SettingShown("gone.key", "true", None)),
    ],
)
def test_settings_are_shown_with_their_defaults(
    tmp_path: Path, section: str, name: str, value: manifest.Setting, shown: SettingShown
) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 1)
    part = read_part(outs.make_out(tmp_path / "out", urls, [outs.row(1)]))
    changed = replace(part.manifest, settings={section: {name: value}})
    (setting,) = job_of([part._replace(manifest=changed)]).settings
    assert setting == shown
    assert setting.changed


def test_work_is_known_only_if_every_sink_counted_it(sinks: list[Path]) -> None:
    first, second = (
        part._replace(view=replace(part.view, work=Work(10, 5.0))) for part in read_all(sinks)
    )
    known = job_of([first, second]).work
    assert known is not None and known.rows == 20
    unknown = second._replace(view=replace(second.view, work=None))
    assert job_of([first, unknown]).work is None
