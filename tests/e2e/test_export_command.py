"""`fetcher export` and `fetcher urls` on the command line: pipes, kills, mistakes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from fetcher.cli.main import cli
from fetcher.errors import FetcherError, UsageError
from fetcher.model import Outcome
from support import jobs, outs
from support.waiting import wait_until

LINES = 20_000


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete OUT of 20,000 rows, half of them timeouts."""
    folder = tmp_path_factory.mktemp("export")
    rows = (
        outs.row(line, Outcome.OK if line % 2 else Outcome.TIMEOUT) for line in range(1, LINES + 1)
    )
    return outs.make_out(folder / "out", outs.write_input(folder / "urls.txt", LINES), rows)


def call(*arguments: object) -> None:
    """In this process."""
    cli.main([str(each) for each in arguments], standalone_mode=False)


def test_kill_9_leaves_no_file_and_the_next_export_takes_over(out: Path, tmp_path: Path) -> None:
    path, part = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.tmp"
    with jobs.running("export", out, "-o", path) as job:
        wait_until(lambda: part.exists() and part.stat().st_size, what="the first bytes")
        job.process.kill()
        job.process.wait()
    assert part.exists(), "it was over before it was killed"
    assert not path.exists()
    call("export", out, "-o", path)
    rows = b"".join(each.read_bytes() for each in sorted((out / "results").iterdir()))
    assert path.read_bytes() == rows
    assert not part.exists()


def test_a_reader_that_leaves_early_is_not_an_error(out: Path) -> None:
    for arguments in (("urls", out), ("export", out, "--to=csv", "-o", "-")):
        line = f"{shlex.join(jobs.command(*arguments))} | head -n 1"
        done = subprocess.run(
            line, shell=True, check=True, capture_output=True, cwd=jobs.ROOT, env=jobs.ENV
        )
        assert done.stderr == b""
        assert done.stdout.count(b"\n") == 1


def test_without_a_name_the_file_is_called_as_out_is(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    call("export", out, "--to", "csv", "--columns", "line", "--where", "line<=3", "--sort", "line")
    assert (tmp_path / "out.csv").read_text() == "line\n1\n2\n3\n"
    assert capsys.readouterr().err == "out.csv: 3 rows, 11 B\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("OUT",), "--to is missing: choose one of parquet, csv"),
        (
            ("OUT", "-o", "rows.xlsx"),
            "-o rows.xlsx: its name does not end with a known format; add --to",
        ),
        (("OUT", "--to=sqlite", "-o", "-"), "--to sqlite cannot go to standard output"),
        (("OUT", "--to=csv", "--columns=line,colour"), "--columns: there is no column 'colour'"),
        (("OUT", "--to=csv", "--columns=line,line"), "--columns: line is named twice"),
        (("OUT", "--to=csv", "--columns=,"), "--columns: name at least one"),
        (("OUT", "--to=csv", "--where=status=x"), "--where 'status=x': status is a whole"),
        (("OUT", "--to=sqlite", "--columns=headers.a,headers.A"), "duplicate column name"),
        (("nowhere", "--to=csv"), "nowhere: no such directory"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(
    out: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FetcherError) as caught:
        call("export", *(str(out) if each == "OUT" else each for each in arguments))
    assert isinstance(caught.value, UsageError)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_urls_prints_urls_or_line_numbers_one_a_line(out: Path) -> None:
    done = jobs.call("urls", out)
    assert done.stdout.splitlines() == [outs.url_of(line) for line in range(2, LINES + 1, 2)]
    numbers = jobs.call("urls", out, "--status=2xx", "--lines")
    assert numbers.stdout.splitlines() == [str(line) for line in range(1, LINES + 1, 2)]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--outcome=failed",), LINES // 2),
        (("--outcome=!ok",), LINES // 2),
        (("--outcome=!timeout,!dns",), LINES // 2),
        (("--outcome=failed", "--where=line<=10"), 5),
        (("--outcome=dns", "--status=2xx"), LINES // 2),
        (("--outcome=all",), LINES),
    ],
)
def test_export_takes_outcomes_by_the_words_that_urls_and_retry_know(
    out: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    count: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call("export", out, "-o", tmp_path / "rows.csv", "--columns=line", *options)
    assert f"{count:,} rows" in capsys.readouterr().err


def test_urls_says_what_it_leaves_out_where_nothing_was_asked_for(
    out: Path,
) -> None:
    done = jobs.call("urls", out)
    assert done.stdout.count("\n") == LINES // 2
    assert done.stderr == (
        "fetcher: 10,000 URLs that `fetcher retry` would not fetch again are left out (ok 10,000); "
        "--outcome all prints every URL, --outcome failed all but those of ok rows\n"
    )
    for options in (("-q",), ("--outcome=!ok",), ("--status=2xx",)):
        done = jobs.call("urls", out, *options)
        assert (done.stdout.count("\n"), done.stderr) == (LINES // 2, "")
    assert jobs.call("urls", out, "--outcome=all").stdout.count("\n") == LINES
