"""docs/operations.md: its commands work, in their order, on hosts that are loopback addresses."""

from __future__ import annotations

import ctypes.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.telemetry.exposition import Exposition
from fetcher.telemetry.numbers import AnyNumbers
from fetcher.telemetry.snapshot import Snapshot
from support import jobs
from support.guide import HOSTS, Command, Hosts, commands, in_one_go
from support.numbers import EXAMPLES
from support.waiting import wait_until

GUIDE = (jobs.ROOT / "docs" / "operations.md").read_text("utf-8")
LINES = 300
MS = 80


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    environ = {
        **jobs.ENV,
        "FETCHER_WORKER__TRANSPORT": jobs.SLOW,
        "FETCHER_WORKER__PROCESSES": "1",
        "FETCHER_WORKER__POOL_SIZE": "8",
        "FETCHER_JOB__BATCH_SIZE": "10",
        "FETCHER_LEASE__SILENT_S": "2",
    }
    made = Hosts(tmp_path, jobs.ROOT / "conf", environ)
    lists = tmp_path / "ventilator" / "srv" / "lists"
    for name, count in (("crawl", LINES), ("next", LINES // 3)):
        urls = [f"http://test.invalid/{name}/{n}?ms={MS}" for n in range(count)]
        last = f"http://test.invalid/{name}?file={lists / name}.go"  # so long the job is running
        jobs.write_urls(lists / f"{name}.txt", [*urls, last])
    try:
        yield made
    finally:
        made.close()


def running(hosts: Hosts) -> set[str]:
    return {unit.name for unit in hosts.units() if unit.pid()}


def test_a_reader_who_types_it_all_has_a_cluster(hosts: Hosts) -> None:
    found = list(commands(GUIDE))
    assert {command.host for command in found} == set(HOSTS)
    lists = hosts.root / "ventilator" / "srv" / "lists"
    for command in in_one_go(found):
        if command.text.startswith("while systemctl is-active"):
            (lists / "crawl.go").touch()
        hosts.run(command)
    (lists / "next.go").touch()
    wait_until(lambda: "fetcher-sink@next" not in running(hosts), what="the second job's end")
    assert running(hosts) <= {"fetcher-worker", "fetcher-ventilator@next"}, "worker-a stays"
    for unit in hosts.units():
        assert unit.pid() or unit.code() == ("2" if unit.name == "fetcher-worker" else "0")
        assert "Traceback" not in unit.log()
    jobs.prove(hosts.root / "sink" / "var" / "lib" / "fetcher" / "crawl", lists / "crawl.txt")
    jobs.prove(hosts.root / "sink" / "srv" / "disk2" / "next", lists / "next.txt")


def test_a_guide_that_shows_what_is_not_so_is_found(hosts: Hosts) -> None:
    for wrong in (Command("sink", "echo a", ["b"]), Command("sink", "false | cat", [])):
        with pytest.raises(AssertionError, match="Command"):
            hosts.run(wrong)


def test_the_metrics_that_it_names_are_there() -> None:
    named = set(re.findall(r"\bfetcher_(?:sink|ventilator|worker)_\w+", GUIDE))
    told = ""
    for role, numbers in EXAMPLES.items():
        board: Snapshot[AnyNumbers] = Snapshot(is_on=True)
        board.put(numbers, 0.0)
        told += Exposition(board, role).page().decode()
    assert len(named) >= 6
    assert named <= set(re.findall(r"\bfetcher_\w+", told))


def test_what_it_says_that_roles_say_is_what_they_say() -> None:
    code = "".join(path.read_text("utf-8") for path in (jobs.ROOT / "fetcher").rglob("*.py"))
    code = re.sub(r'"\n +f?"', "", code)  # texts over several lines
    (table,) = re.findall(r"^\| what \| what you see .*?\n\n", GUIDE, re.M | re.S)
    said = [
        part.strip()
        for row in table.strip().splitlines()[2:]
        for quoted in re.findall(r"`([^`]*…[^`]*|[^`]* [^`]*)`", row.split(" | ")[1])
        for part in re.split(r"…|\b[A-Z]{3,}\b|\bN\b|\bM\b|\bmode 0644\b", quoted)
        if " " in part.strip()
    ]
    assert len(said) > 12
    system = ["Cannot assign requested address", "ended (signal 9"]
    assert [part for part in said if part not in code and part not in system] == []


def test_a_preloaded_allocator_is_in_each_process(tmp_path: Path) -> None:
    if ctypes.util.find_library("jemalloc") is None:
        pytest.skip("libjemalloc2 is not installed")
    (variable, library) = re.findall(r"^(LD_PRELOAD)=(\S+) fetcher run ", GUIDE, re.M)[0]
    assert f"Environment={variable}={library}" in GUIDE
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/?ms=600000"])
    command = ("run", urls, "-o", tmp_path / "out", "--set", f"worker.transport={jobs.SLOW}")
    with jobs.running(*command, environ={**jobs.ENV, variable: library}) as job:
        roles = ("ventilator", "worker", "sink")
        wait_until(lambda: all(job.role(role) for role in roles), what="the three roles")
        pids = [job.process.pid, *(process.pid for role in roles for process in job.role(role))]
        wait_until(lambda: all("jemalloc" in _maps(pid) for pid in pids), what="jemalloc in each")


def _maps(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text("utf-8")


@pytest.mark.slow
def test_the_program_is_installed_as_it_says(tmp_path: Path) -> None:
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(jobs.ROOT / name, tmp_path)
    shutil.copytree(jobs.ROOT / "fetcher", tmp_path / "fetcher")
    (script,) = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.M | re.S)
    script = script.replace("/opt/", f"{tmp_path}/opt/")
    environ = {name: text for name, text in jobs.ENV.items() if name != "PYTHONPATH"}
    subprocess.run(["bash", "-eu", "-c", script], cwd=tmp_path, env=environ, check=True)
    installed = [str(tmp_path / "opt" / "fetcher" / "bin" / "fetcher"), "--version"]
    done = subprocess.run(installed, cwd="/", env=environ, check=True, capture_output=True)
    assert done.stdout.startswith(b"fetcher, version ")
