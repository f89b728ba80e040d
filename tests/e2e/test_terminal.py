"""The standard streams, the bytes of arguments, and an early Ctrl-C."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil
import pytest

from fetcher.settings import load
from support import jobs, outs
from support.waiting import wait_until

NULL = ("--workers=1", "--set=worker.transport=null")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A job that is complete."""
    directory = tmp_path_factory.mktemp("job")
    urls = jobs.write_urls(directory / "urls.txt", ["http://a.invalid/1", "http://a.invalid/2"])
    assert jobs.call("run", urls, "-o", directory / "out", *NULL).returncode == 0
    return directory / "out"


def run(
    arguments: Sequence[str | bytes | Path],
    environ: dict[str, str] | None = None,
    *,
    stdout: int | IO[bytes] = subprocess.PIPE,
    cwd: Path = jobs.ROOT,
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; with bytes in arguments as they are."""
    done = subprocess.run(
        [*jobs.command(), *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env={**jobs.ENV, **(environ or {})},
        timeout=60,
    )
    return done.returncode, (done.stdout or b"").decode("latin-1"), done.stderr.decode()


# -- standard output -------------------------------------------------------------------------

WRITING = (
    "export OUT -o - --to csv",
    "export OUT -o - --to jsonl",
    "urls OUT --outcome ok",
    "status OUT",
    "status OUT --json",
    "verify OUT",
    "top OUT --once",
    "report OUT --text",
    "config",
    "--help",
    "run URLS -o OUT --workers=1 --set=worker.transport=null",
)


def filled(command: str, out: Path) -> list[str]:
    """The arguments, with a job's paths in them."""
    known = {"OUT": str(out), "URLS": str(out.with_name("urls.txt"))}
    return [known.get(word, word) for word in command.split()]


@pytest.mark.parametrize("command", WRITING)
def test_a_full_disk_behind_standard_output_is_one_line_and_3(out: Path, command: str) -> None:
    with open("/dev/full", "wb") as full:
        code, _, said = run(filled(command, out), stdout=full)
    assert said == (
        "fetcher: standard output: No space left on device; the output is incomplete: make room, "
        "and repeat the command\n"
    )
    assert code == 3


def test_a_reader_that_has_left_is_not_reported_as_a_bug(out: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(("status", out), stdout=writing) == (3, "", "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("command", ["status nowhere", "status --bogus"])
def test_what_standard_error_does_not_take_changes_no_exit_code(command: str) -> None:
    program = shlex.join(jobs.command(*command.split()))
    for redirected in ("2>/dev/full", "2>&-"):
        line = f"{program} {redirected}"
        done = subprocess.run(
            ["sh", "-c", line], check=False, cwd=jobs.ROOT, env=jobs.ENV, stdout=subprocess.PIPE
        )
        assert (done.returncode, done.stdout) == (2, b""), line


@pytest.mark.parametrize("command", [("status",), ("report", "--text")])
def test_a_name_is_shown_as_it_is_and_its_line_never_broken(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    name = f"urls[old] {'of many pages ' * 8}\x1b.txt"
    urls = outs.write_input(tmp_path / name, 3)
    made = outs.make_out(tmp_path / "out", urls, map(outs.row, range(1, 4)))
    code, said, _ = run((*command, made))
    assert code == 0
    first = said.splitlines()[0]
    assert first.startswith(name.partition("\x1b")[0])
    assert ".txt: complete, 3 of 3 lines" in first
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("encoding", "command"),
    [("latin-1", "report OUT --text"), ("ascii", "report OUT --text"), ("ascii", "top OUT --once")],
)
def test_characters_that_standard_output_lacks_are_replaced(
    out: Path, encoding: str, command: str
) -> None:
    code, said, error = run(filled(command, out), {"PYTHONIOENCODING": encoding})
    assert (code, error) == (0, "")
    assert ("?" in said) == command.startswith("report")
    assert said.isascii()


@pytest.mark.parametrize(("word", "meant"), [("rn", "run"), ("statu", "status")])
def test_a_mistyped_command_is_guessed_at(word: str, meant: str) -> None:
    code, _, error = run((word,))
    assert code == 2
    assert f"No such command '{word}'. Did you mean '{meant}'?" in error


# -- Ctrl-C ----------------------------------------------------------------------------------


def is_loading(pid: int) -> bool:
    """Whether it has come to its own code: it holds Ctrl-C back until it can tell of it."""
    status = Path(f"/proc/{pid}/status").read_text()
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    return bool(blocked >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize("delay_s", [0, 0.02, 0.04])
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("run URLS -o NEW -q", "stopped before the job began; the same command begins it"),
        ("top OUT --once", "top: stopped; a running job is not affected"),
    ],
)
def test_ctrl_c_while_the_program_loads_is_one_line_and_3(
    out: Path, tmp_path: Path, delay_s: float, command: str, told: str
) -> None:
    given = [str(tmp_path / "new") if word == "NEW" else word for word in filled(command, out)]
    with jobs.running(*given) as job:
        wait_until(lambda: is_loading(job.process.pid), what="its first act")
        time.sleep(delay_s)
        job.process.send_signal(signal.SIGINT)
        code, _, said = job.wait(60)
    assert (code, said) == (3, f"fetcher: {told}\n")
    assert not (tmp_path / "new").exists()


def is_awake(process: psutil.Process) -> bool:
    """Whether its interpreter takes SIGINT, or holds it back: before, the system ends it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    masks = [int(status.partition(f"{name}:")[2].split()[0], 16) for name in ("SigBlk", "SigCgt")]
    return bool((masks[0] | masks[1]) >> (signal.SIGINT - 1) & 1)


@pytest.mark.parametrize("role", ["sink", "ventilator", "worker"])
def test_ctrl_c_to_a_role_that_still_imports_is_quiet(tmp_path: Path, role: str) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://a.invalid/1"])
    with jobs.running("run", urls, "-o", tmp_path / "out", "-q", *NULL) as job:
        wait_until(lambda: any(map(is_awake, job.role(role))), what=role)
        assert job.signal(role, signal.SIGINT)
        code, _, said = job.wait(60)
    assert code == 0
    assert "Traceback" not in said and "Error" not in said, said


# -- open files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "command", "told"),
    [
        (20, "run URLS -o NEW", "the limit of open files is 20, and each command needs 64; raise"),
        (20, "worker", "the limit of open files is 20, and each command needs 64; raise"),
        (20, "status OUT", "the limit of open files is 20, and each command needs 64; raise"),
        (64, "run URLS -o NEW", "need 356 open files in a process, and the limit is 64; raise it"),
        (64, "worker", "need 356 open files in a process, and the limit is 64; raise it"),
        (
            110,
            "run URLS -o NEW --pool-size 1 --workers 50",
            "worker.processes = 50 needs 272 open files in their supervisor, and the limit is 110",
        ),
    ],
)
def test_too_few_open_files_are_one_line_that_says_what_to_raise(
    out: Path, tmp_path: Path, limit: int, command: str, told: str
) -> None:
    given = [str(tmp_path / "new") if word == "NEW" else word for word in filled(command, out)]
    line = f"ulimit -n {limit}; exec {shlex.join(jobs.command(*given))}"
    done = subprocess.run(
        ["sh", "-c", line], check=False, cwd=jobs.ROOT, env=jobs.ENV, capture_output=True
    )
    said = done.stderr.decode()
    assert told in said
    assert (said.count("\n"), done.returncode) == (1, 2)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("limit", [64, 102])
def test_a_low_limit_that_is_enough_is_enough(out: Path, tmp_path: Path, limit: int) -> None:
    commands = ["status OUT", "verify OUT", "export OUT --to sqlite -o NEW", "top OUT --once"]
    if limit > 64:
        commands = ["run URLS -o NEW --workers=1 --pool-size=1 --set=worker.transport=null"]
    for command in commands:
        given = [str(tmp_path / "new") if word == "NEW" else word for word in filled(command, out)]
        line = f"ulimit -n {limit}; exec {shlex.join(jobs.command(*given))}"
        done = subprocess.run(
            ["sh", "-c", line], check=False, cwd=jobs.ROOT, env=jobs.ENV, capture_output=True
        )
        assert (done.returncode, b"open files" in done.stderr) == (0, False), done.stderr


# -- paths -----------------------------------------------------------------------------------

NO_TEXT = b"na\xffme"


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "URLS", "-o", NO_TEXT),
        ("run", NO_TEXT, "-o", "new"),
        ("run", "URLS", "-o", "new", "--set", b"http.user_agent=" + NO_TEXT),
        ("worker", "--keys", NO_TEXT),
        ("status", NO_TEXT),
        ("top", NO_TEXT),
    ],
)
def test_an_argument_that_is_not_utf8_is_refused_by_name_with_2(
    tmp_path: Path, arguments: tuple[str | bytes, ...]
) -> None:
    urls = str(jobs.write_urls(tmp_path / "urls.txt", ["http://a.invalid/"]))
    given = [urls if each == "URLS" else each for each in arguments]
    code, _, said = run(given, cwd=tmp_path)
    assert said.startswith("fetcher: ")
    assert said.count("\n") == 1
    assert r"na\xffme: not valid UTF-8" in said
    assert code == 2
    assert names_in(tmp_path) == ["urls.txt"]


def test_a_path_that_leads_to_where_names_are_not_utf8_is_refused_with_2(tmp_path: Path) -> None:
    there = tmp_path / os.fsdecode(NO_TEXT)
    there.mkdir()
    jobs.write_urls(there / "urls.txt", ["http://a.invalid/"])
    code, _, said = run(("run", "urls.txt", "-o", "out"), cwd=there)
    assert said.count("\n") == 1
    assert r"na\xffme/out is not valid UTF-8; rename it" in said
    assert code == 2
    assert names_in(there) == ["urls.txt"]
    # Whether standard input or output is meant, is no matter of where we are.
    code, _, said = run(("run", "-", "-o", tmp_path / "out"), cwd=there)
    assert (code, "UTF-8" in said) == (2, False)


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("run URLS -o EMPTY", "'-o' / '--out'"),
        ("run EMPTY -o new", "'URLFILE|URL...'"),
        ("sink -o EMPTY", "'-o' / '--out'"),
        ("export OUT -o EMPTY --to csv", "'-o' / '--file'"),
        ("config -c EMPTY", "'-c' / '--config'"),
        ("top EMPTY", "OUT"),
    ],
)
def test_an_empty_path_is_not_this_directory(
    out: Path, tmp_path: Path, command: str, named: str
) -> None:
    given = ["" if word == "EMPTY" else word for word in filled(command, out)]
    code, _, said = run(given, cwd=tmp_path)
    assert said == f"fetcher: {named}: is empty; name a file or directory\n"
    assert code == 2
    assert names_in(tmp_path) == []


# -- secrets ---------------------------------------------------------------------------------


def test_config_shows_no_secret_and_gives_none_to_the_next_job(tmp_path: Path) -> None:
    secrets = {
        "FETCHER_HTTP__HEADERS": '["Authorization: Bearer x1y2"]',
        "FETCHER_HTTP__PROXY": "http://me:x1y2@proxy.test:3128",
        "FETCHER_MONITOR__TOKEN": "x1y2" * 4,
    }
    code, said, _ = run(("config",), secrets)
    assert code == 0
    assert "x1y2" not in said
    for variable in secrets:
        assert f"# {variable}" in said
    conf = tmp_path / "my.toml"
    conf.write_text(said, "latin-1")
    http = load.load(conf, {}).settings.http
    assert (http.headers, http.proxy) == ((), "")


def test_an_invalid_assignment_is_not_shown_whole() -> None:
    code, _, said = run(("config", "--set", "http.proxy:http://me:x1y2@proxy.test:3128"))
    assert said == "fetcher: --set http.proxy: write it as section.key=value\n"
    assert code == 2
