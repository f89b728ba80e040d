"""`fetcher status`, `verify` and `config` print what they find."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from fetcher.cli.inspect import _print_findings, _verdict
from fetcher.errors import ConfigError, Exit, UnreachedError, UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import parse
from fetcher.model import Outcome
from fetcher.store.lock import DirectoryLock
from fetcher.store.selection import keep
from fetcher.verify.audit import NO_ROW, Report
from fetcher.verify.findings import MAX_LISTED
from support import outs
from support.commands import run
from support.crawl_outs import Page, make_crawl


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A job of three lines, of which two have rows."""
    rows = [outs.row(1), outs.row(2, Outcome.DNS)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 3), rows)


def report(**changed: object) -> Report:
    fields: dict[str, object] = {
        "rows": 2,
        "url_lines": 2,
        "compared_with": Path("urls.txt"),
        "counts": {},
        "listed": [],
        "missing_sinks": [],
        "undigested_bytes": 0,
        "stray_files": [],
        "is_running": False,
        "has_ended": True,
    }
    return Report(**{**fields, **changed})  # type: ignore[arg-type]


UNFINISHED = {"counts": {NO_ROW: 1}, "has_ended": False, "rows": 1}


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (report(), "proven: 2 URL lines, 2 rows, one each (compared with urls.txt)"),
        (
            report(rows=1, url_lines=1),
            "proven: 1 URL line, 1 row, one each (compared with urls.txt)",
        ),
        (
            report(compared_with=None),
            "proven: 2 URL lines, 2 rows, one each (the URL file was not found (name it with "
            "--urls): compared with the journal only)",
        ),
        (
            report(missing_sinks=["sink 2 of 2"]),
            "proven: 2 URL lines of these sinks, 2 rows, one each (compared with urls.txt; sink 2 "
            "of 2: not looked at)",
        ),
        (
            report(counts={"damaged": 1}),
            "NOT proven: 2 URL lines, 2 rows (compared with urls.txt)",
        ),
        (
            report(counts={NO_ROW: 1}, url_lines=None, compared_with=None, rows=1),
            "NOT proven: an unknown number of URL lines, 1 row (the URL file was not found (name "
            "it with --urls): compared with the journal only)",
        ),
        (
            report(**UNFINISHED),
            "NOT proven: 2 URL lines, 1 row (compared with urls.txt); the run has not ended: the "
            "same command resumes it",
        ),
        (
            report(**UNFINISHED, is_running=True),
            "NOT proven: 2 URL lines, 1 row (compared with urls.txt); the run is still going on: "
            "verify it when it has ended",
        ),
    ],
)
def test_the_verdict_is_one_line(of: Report, said: str) -> None:
    assert _verdict(of) == said


def printed(of: Report, capsys: pytest.CaptureFixture[str]) -> list[str]:
    _print_findings(of)
    return capsys.readouterr().out.splitlines()


def test_many_findings_of_a_kind_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(counts={"damaged": MAX_LISTED + 1, "rare": 1}, listed=["a: damaged"])
    assert printed(found, capsys) == ["a: damaged", "… damaged: 21 in all"]


def test_a_run_that_has_not_ended_lists_no_missing_rows(capsys: pytest.CaptureFixture[str]) -> None:
    missing = {"counts": {NO_ROW: 100}, "listed": ["line 1: no row"]}
    assert printed(report(**missing, has_ended=False), capsys) == []
    assert len(printed(report(**missing), capsys)) == 2


def test_stray_files_and_rows_without_a_digest_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = report(stray_files=[f"f{n}" for n in range(MAX_LISTED + 5)], undigested_bytes=2048)
    lines = printed(found, capsys)
    assert lines[0] == "warning: f0"
    assert lines[MAX_LISTED] == "… files that do not belong to the job: 25 in all"
    assert lines[-1].startswith("2.0 KiB were committed by an older version of fetcher, without")


def test_verify_exits_with_0_or_6(out: Path, tmp_path: Path) -> None:
    half = run("verify", out)
    assert half.code == Exit.UNPROVEN
    assert half.stdout.startswith("NOT proven: 3 URL lines, 2 rows (compared with ")
    rows = [outs.row(line) for line in (1, 2, 3)]
    whole = outs.make_out(tmp_path / "whole", tmp_path / "urls.txt", rows)
    moved = tmp_path / "moved.txt"
    (tmp_path / "urls.txt").rename(moved)
    assert "the URL file was not found" in run("verify", whole).stdout
    done = run("verify", whole, "--urls", moved)
    assert (done.code, done.stdout) == (
        Exit.DONE,
        f"proven: 3 URL lines, 3 rows, one each (compared with {moved})\n",
    )


def test_the_status_of_a_directory(out: Path) -> None:
    first, *rest = run("status", out).stdout.splitlines()
    assert first.startswith("urls.txt: stopped, 2 of 3 lines (66.7 %), ")
    assert ", last commit " in first
    assert [line.split() for line in rest[-2:]] == [
        ["ok", "1", "50.0", "%"],
        ["dns", "1", "50.0", "%"],
    ]
    with DirectoryLock(out):
        assert run("status", out).stdout.startswith("urls.txt: running, 2 of 3 lines")
    found = json.loads(run("status", out, "--json").stdout)
    assert (found["state"], found["rows"], found["url_lines"]) == ("stopped", 2, 3)


def test_the_status_of_a_retry_names_the_job_that_it_retries(out: Path, tmp_path: Path) -> None:
    merged, wanted = Merged([out], partial=True), parse("dns", None)
    again = tmp_path / "again"
    again.mkdir()
    chosen = keep(again, wanted_lines(merged, wanted), merged.parts, wanted)
    outs.make_out(again, tmp_path / "urls.txt", [outs.row(2)], selection=chosen)
    said = run("status", again).stdout
    assert said.startswith(f"urls.txt: complete, a retry of {out}, 1 of 1 line (100.0 %)")


def test_the_status_of_a_crawl_has_its_depths_and_links(tmp_path: Path) -> None:
    out = make_crawl(tmp_path / "out", {"http://a.test/": Page()}, ["http://a.test/"], most_rows=0)
    lines = run("status", out).stdout.splitlines()
    assert lines[0].startswith("out-seeds.txt: stopped, 0 lines done, 1 found so far")
    assert "depths    0: 1" in lines


def test_status_wants_a_directory_or_an_endpoint(out: Path) -> None:
    for arguments in ((), (out, "--ventilator", "tcp://127.0.0.1:1")):
        with pytest.raises(UsageError, match="name either OUT or --ventilator TCP"):
            run("status", *arguments)


def test_a_ventilator_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreachedError, match=r"no ventilator answers at ipc://.* within 0\.1 s"):
        run("status", "--ventilator", f"ipc://{tmp_path}/v", "--timeout", "0.1")


def test_config_prints_toml_with_origins_that_it_reads_again(tmp_path: Path) -> None:
    conf = tmp_path / "my.toml"
    conf.write_text("[worker]\npool_size = 7\n")
    done = run("config", "-c", conf, "--set", "http.max_redirects=3")
    lines = done.stdout.splitlines()
    (pool,) = (line for line in lines if line.startswith("pool_size = 7"))
    assert pool.endswith(f"# {conf}")
    (redirects,) = (line for line in lines if line.startswith("max_redirects = 3"))
    assert redirects.endswith("# --set http.max_redirects")
    read = tomllib.loads(done.stdout)
    assert (read["worker"]["pool_size"], read["http"]["max_redirects"]) == (7, 3)
    again = tmp_path / "again.toml"
    again.write_text(done.stdout)
    assert tomllib.loads(run("config", "-c", again).stdout) == read


def test_config_prints_the_tables_of_routes_so_that_it_reads_them_again(tmp_path: Path) -> None:
    conf, again = tmp_path / "routes.toml", tmp_path / "again.toml"
    first = '[[routes]]\nname = "eu"\nmatch = "host:de"\nqueue = "europe"\nworkers = 2\n'
    conf.write_text(f'{first}[[routes]]\nname = "us"\n')
    shown = run("config", "-c", conf).stdout
    again.write_text(shown)
    assert tomllib.loads(shown)["routes"] == [
        {"name": "eu", "match": ["host:de"], "queue": "europe", "workers": 2},
        {"name": "us", "match": []},
    ]
    assert f"[[routes]]  # {again}" in run("config", "-c", again).stdout


def test_config_shows_no_secret() -> None:
    lines = run("config", "--set", 'http.headers=["A: s3cret"]').stdout.splitlines()
    (shown,) = (line for line in lines if line.lstrip("# ").startswith("headers = "))
    assert shown.startswith("# headers = ") and "s3cret" not in shown
    with pytest.raises(ConfigError):
        run("config", "--set", "http.max_redirects=x")
