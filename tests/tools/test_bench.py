"""The benchmarks run end to end at tiny sizes, and print what they should."""

import functools
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from support import jobs
from support.waiting import wait_until
from tools.bench import __main__ as program
from tools.bench import all_tables, figures, guard, speed
from tools.bench.cases import CASES
from tools.bench.jobs import Job
from tools.bench.lists import url, write_lines, write_list
from tools.bench.peers import article
from tools.bench.processes import Fleet, Peaks, peak_bytes, pinned
from tools.bench.programs import PROGRAMS
from tools.bench.table import Target, machine, number, spread, table


def test_columns_are_aligned_first_left_others_right() -> None:
    text = table("Title", ["", "rows/s"], [["one", 12345.6], ["another", 0.25]])
    assert text.splitlines() == [
        "",
        "Title",
        "         rows/s",
        "-------  ------",
        "one      12,346",
        "another    0.25",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.8, "1,234,568"), (3.0, "3"), (3.14159, "3.14"), ("x", "x")]
)
def test_a_number_has_the_digits_that_matter(value: float | str, text: str) -> None:
    assert number(value) == text


def test_a_target_is_met_on_its_own_side_of_the_bound() -> None:
    assert Target("speed", 10, 10, "rows/s").met
    assert not Target("speed", 9, 10, "rows/s").met
    assert Target("memory", 9, 10, "MB", at_least=False).met
    assert str(Target("memory", 11, 10, "MB", at_least=False)) == (
        "missed  memory: 11 MB (target: at most 10)"
    )


def test_the_spread_is_the_median_and_both_ends() -> None:
    assert spread([3, 1, 2]) == (2, "1 - 3")


def test_the_machine_is_one_line() -> None:
    assert "\n" not in machine()
    assert "pyzmq" in machine()


def test_a_list_has_so_many_different_urls_of_60_bytes(tmp_path: Path) -> None:
    lines = write_list(tmp_path / "urls.txt", 25_001).read_bytes().splitlines(keepends=True)
    assert len(set(lines)) == len(lines) == 25_001
    assert {len(line) for line in lines} == {60}
    assert lines[-1].decode() == url(25_000) + "\n"


def test_the_article_numbers_lines_as_we_do(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "urls.txt", ["a", "", "# no", " b ", "c"])
    with path.open("rb") as file:
        assert list(article.batches(file, 2)) == [[(1, "a"), (4, "b")], [(5, "c")]]


def test_a_fleet_ends_what_it_started_and_their_children() -> None:
    script = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
    script += "'import time; time.sleep(600)']); print('up', flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt), Fleet() as fleet:
        process = fleet.start("-c", script, piped=True)
        assert process.stdout is not None
        process.stdout.readline()
        family = fleet.family(process)
        raise KeyboardInterrupt
    assert len(family) == 2
    _gone, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def test_a_fleet_does_not_wait_for_ever() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError), Fleet() as fleet:
        fleet.wait(fleet.start("-c", "import time; time.sleep(600)"), 0.2)
    assert time.monotonic() - began < 30


def test_peaks_keep_the_largest_of_each_label() -> None:
    peaks = Peaks()
    peaks.sample([psutil.Process()])
    assert peaks.mb("parent") == pytest.approx(peak_bytes(os.getpid()) / 1e6, rel=0.1)
    assert peaks.mb("sink") == 0


def test_a_pin_holds_for_the_block_only() -> None:
    before = os.sched_getaffinity(0)
    with pinned(min(before)):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before


def slow(arguments: str, words: list[str]) -> object:
    """A benchmark that takes seconds of CPU time; the others use the same modules."""
    return pytest.param(arguments, words, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "pipeline --runs 1 --batch-sizes 200 --lines 3000 --sink-rows 3000 --worker-lines 3000",
            ["sink process alone", "worker process alone", "commit to commit", "Targets"],
        ),
        (
            "curve --runs 1 --lines 3000 --sink-rows 3000",
            ["One sink alone over TCP", "Three roles over TCP", "without keys", "with keys"],
        ),
        (
            "scaling --runs 1 --processes 1 --pool-size 100 --latency 0.2 --rounds 4",
            ["worker processes", "ideal"],
        ),
        (
            "crowd --workers 5 --seconds 0.5 --lines 100000",
            ["Simulated workers", "vent. us/line", "sink MB"],
        ),
        slow(
            "memory --sizes 20000",
            ["ventilator", "20,000 lines", "complete, run again", "Targets"],
        ),
        (
            "speed keepalive --runs 1 --scale 0.002 --peers article pycurl_multi",
            ["1 KB keep-alive", "bare pycurl", "as articles teach", "verifies"],
        ),
        slow(
            "speed hosts --runs 1 --scale 0.002 --peers curl wget2 aiohttp_polite",
            ["20 KB, a new host each", "fetcher, polite", "curl", "wget2", "a limiter for each"],
        ),
        (
            "slow --runs 1 --hosts 20 --urls-per-host 3 --latency 0.1 --programs fetcher_polite "
            "aiohttp_polite curl",
            ["60 URLs of 20 hosts", "fetcher, polite", "curl", "ideal"],
        ),
        (
            "mix --runs 1 --urls 120 --latency 0.1 --names-late 0.05 --programs fetcher_polite "
            "aiohttp_polite",
            ["A mix of 120 URLs", "fetcher, polite", "aiohttp", "ideal"],
        ),
        slow(
            "crawl --runs 1 --pages 60 --lines 40000",
            ["20-KB pages with 50 links", "CrawlSpider", "refused", "A restart", "Targets"],
        ),
        slow(
            "speed https --runs 1 --scale 0.002 --peers aiohttp_loop",
            ["server on core", "HTTPS"],
        ),
        (
            "stages keepalive --runs 1 --scale 0.002",
            ["1 KB keep-alive", "bare pycurl", "address guard", "three roles"],
        ),
        slow(
            "profile keepalive --counted 0 --sampled 1000",
            ["1 KB keep-alive, one host: python", "CurlLoop", "share"],
        ),
        slow(
            "export --runs 1 --rows 3000 --forms parquet",
            ["Export of 3,000 rows", "parquet", "sorted by line", "merged of two", "Targets"],
        ),
        (
            "bodies --runs 1 --urls 200 --forms none files",
            ["200 pages of 20 KB", "files", "bytes / URL"],
        ),
        (
            "politeness --runs 1 --workers 2 --scale 0.0005",
            ["20 KB, a new host each", "2_workers", "polite / not", "Targets"],
        ),
        slow(
            "start --runs 1",
            ["--help", "get", "run of 1 URL", "run of 1,000 URLs", "ventilator", "Targets"],
        ),
        slow(
            "watching --runs 1 --rows 5000",
            ["5,000 lines", "5 viewers", "metrics", "report` of 5,000 rows", "Targets"],
        ),
    ],
)
def test_a_benchmark_runs_and_prints_its_table(
    arguments: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--dir", str(tmp_path), "--limit", "60"]
    assert program.main([*arguments.split(), *options]) == 0
    printed = capsys.readouterr().out
    for word in [*words, "Python"]:
        assert word in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        *("pipeline", "curve", "scaling", "memory", "speed", "slow", "mix", "stages", "export"),
        *("bodies", "watching", "politeness", "start", "crowd", "profile", "guard"),
        "all",
    ],
)
def test_each_benchmark_tells_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        program.main([command, "--help"])
    assert left.value.code == 0
    assert "--dir" in capsys.readouterr().out


def test_a_peer_that_is_not_installed_is_left_out_with_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    found = speed.installed(CASES["keepalive"], ["fetcher", "curl", "aiohttp_loop"])
    assert [program.name for program in found] == ["fetcher", "aiohttp_loop"]
    assert "curl --parallel is left out, as it is not installed" in capsys.readouterr().out


def test_the_guard_compares_with_stored_ratios_and_stores_new_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    # A cost that no run can keep to.
    cheap = {"fetcher_per_pycurl_multi": {"cpu_ratio": figures.sample([0.001])}}
    origin = "python -m tools.bench guard --scale 0.001"
    figures.save("guard", {"keepalive": cheap}, origin, results)
    command = ["guard", "keepalive", "--runs", "1", "--scale", "0.001", "--limit", "60", "--store"]
    arguments = [*command, "--dir", str(tmp_path), "--results", str(results)]
    assert program.main(arguments) == guard.EXIT_WORSE
    shown = capsys.readouterr()
    assert "WORSE" in shown.out
    assert "worse: keepalive, fetcher_per_pycurl_multi, cpu_ratio" in shown.err
    stored = figures.load("guard", results).tables["keepalive"].rows
    assert stored["fetcher_per_pycurl_multi"]["cpu_ratio"].median > 0.1
    assert set(stored["fetcher_per_aiohttp_loop"]) == {"cpu_ratio", "time_ratio"}


def test_the_guard_does_not_compare_lists_of_different_lengths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for case, scale, cost in (("hosts", "9", 0.001), ("keepalive", "0.15", 1000)):
        rows = {"fetcher_per_pycurl_multi": {"cpu_ratio": figures.sample([cost])}}
        figures.save(
            "guard", {case: rows}, f"python -m tools.bench guard --scale {scale}", tmp_path
        )
    jobs = {name: [(1, Job(wall_s=1.0, cpu_s=1.0))] for name in PROGRAMS}
    monkeypatch.setattr(guard, "measure_case", lambda *_: jobs)
    arguments = ["guard", "keepalive", "hosts", "--runs", "1", "--results", str(tmp_path)]
    assert program.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "Not compared, as their lists had another length" in shown
    assert "--scale 9`" in shown


def _never(*_arguments: object) -> NoReturn:
    raise AssertionError("something was measured")


def test_where_nothing_is_stored_the_guard_measures_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "measure_case", _never)
    other = {"fetcher_per_curl": {"cpu_ratio": figures.sample([1.0])}}
    for rows in (None, {}, other):
        if rows is not None:
            origin = "python -m tools.bench guard --scale 0.15"
            figures.save("guard", {"keepalive": rows}, origin, tmp_path)
        command = ["guard", "keepalive", "--results", str(tmp_path)]
        assert program.main(command) == guard.EXIT_NOTHING_STORED
        shown = capsys.readouterr()
        assert shown.out == ""
        (line,) = shown.err.splitlines()
        assert line.startswith(f"{tmp_path / 'guard.json'}: no ratios of these cases")
        assert "--store" in line


@pytest.mark.parametrize("command", ["guard", "speed --save", "docs --check", "all --only curve"])
def test_a_broken_file_of_figures_is_one_line_before_anything_is_measured(
    command: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = command.split(maxsplit=1)[0]
    path = tmp_path / f"{name}.json"
    path.write_text("{not json")
    load, load_all = figures.load, figures.load_all
    monkeypatch.setattr(figures, "load", lambda benchmark, _folder=None: load(benchmark, tmp_path))
    monkeypatch.setattr(figures, "load_all", lambda: load_all(tmp_path))
    monkeypatch.setattr(speed, "measure_case", _never)
    results = ["--results", str(tmp_path)] if name == "guard" else []
    assert program.main([*command.split(), *results]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"{name}: {path}: not the figures of a benchmark (")


@pytest.mark.parametrize("command", ["guard", "speed", "crawl", "start"])
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("bogus.x=1", "--set bogus.x: unknown section [bogus]"),
        ("http.x=1", "--set http.x: unknown setting http.x"),
        ("nonsense", "--set nonsense: write it as section.key=value"),
        ("http.total_timeout_s=abc", "--set http.total_timeout_s: http.total_timeout_s = 'abc'"),
        ("polite.robots=true", "--set polite.robots: "),  # as the jobs are not polite
    ],
)
def test_a_wrong_setting_is_one_line_before_anything_is_measured(
    command: str, setting: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([command, "--set", setting]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"{command}: {words}")


def test_a_run_that_fails_or_takes_too_long_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["memory", "--sizes", "100000", "--no-resume", "--dir", str(tmp_path)]
    assert program.main([*command, "--limit", "0.01"]) == 1
    assert capfd.readouterr().err.splitlines()[-1].endswith("took more than 0.01 s")
    command[2] = "1"
    assert program.main([*command, "--batch-size", "1000000"]) == 1
    first, *_, last = capfd.readouterr().err.splitlines()
    assert "job.batch_size" in first
    assert last == "memory: fetcher run ended with exit code 2"


def test_a_benchmark_saves_its_figures_and_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    monkeypatch.setattr(figures, "save", functools.partial(figures.save, folder=results))
    command = ["speed", "demo", "--runs", "1", "--scale", "0.002", "--peers", "--limit", "60"]
    assert program.main([*command, "--dir", str(tmp_path), "--save"]) == 0
    assert "the demo's pages" in capsys.readouterr().out
    table = figures.load("speed", results).tables["demo"]
    assert table.origin == f"python -m tools.bench {' '.join(command)}"
    assert table.rows["fetcher"]["urls_per_s"].runs == 1
    assert table.rows["fetcher"]["cpu_us"].median > 0


def test_the_committed_pages_are_those_of_the_figures() -> None:
    assert program.main(["docs", "--check"]) == 0


def test_all_tables_are_of_commands_and_cases_that_there_are() -> None:
    commands = [command for part in all_tables.PARTS.values() for command in part]
    given = [program.parser().parse_args([*shlex.split(each), "--save"]) for each in commands]
    assert {options.command for options in given} <= set(program.BENCHMARKS)
    assert {case for options in given for case in getattr(options, "cases", ())} == set(CASES)


def test_a_benchmark_that_is_stopped_leaves_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.bench", "memory", "--dir", str(tmp_path)]
    bench = subprocess.Popen(
        [*command, "--sizes", "500000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    family: list[psutil.Process] = []

    def are_all_there() -> bool:
        family[:] = psutil.Process(bench.pid).children(recursive=True)
        return len(family) == 4

    try:
        wait_until(are_all_there, 60, "the program and its three roles")
    finally:
        bench.terminate()
    assert bench.wait(60) == 143
    _gone, alive = psutil.wait_procs(family, timeout=60)
    assert not alive


def test_without_its_libraries_a_benchmark_says_what_installs_them() -> None:
    # As after `make run`, which installs what the program needs only.
    script = (
        "import runpy, sys; sys.modules['psutil'] = None; "
        "runpy.run_module('tools.bench', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=jobs.ROOT,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "tools.bench needs the module psutil; run `make test` once, which installs it\n"
    )
