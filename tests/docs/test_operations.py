"""docs/operations.md: its commands work, in their order, on hosts that are loopback addresses."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import jobs
from support.guide import HOSTS, Command, Hosts, commands

GUIDE = (jobs.ROOT / "docs" / "operations.md").read_text("utf-8")
LINES = 600
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
    for name, count in (("crawl", LINES), ("next", LINES // 6)):
        urls = [f"http://test.invalid/{name}/{n}?ms={MS}" for n in range(count)]
        jobs.write_urls(tmp_path / "ventilator" / "srv" / "lists" / f"{name}.txt", urls)
    try:
        yield made
    finally:
        made.close()


def running(hosts: Hosts) -> set[str]:
    return {unit.name for unit in hosts.units() if unit.pid()}


def test_a_reader_who_types_it_all_has_a_cluster(hosts: Hosts) -> None:
    found = list(commands(GUIDE))
    assert {command.host for command in found} == set(HOSTS)
    for command in found:
        hosts.run(command)
    jobs.until(lambda: "fetcher-sink@next" not in running(hosts), what="the second job's end")
    assert running(hosts) <= {"fetcher-worker", "fetcher-ventilator@next"}, "worker-a stays"
    for unit in hosts.units():
        assert unit.pid() or unit.code() == ("2" if unit.name == "fetcher-worker" else "0")
        assert "Traceback" not in unit.log()
    lists = hosts.root / "ventilator" / "srv" / "lists"
    jobs.prove(hosts.root / "sink" / "var" / "lib" / "fetcher" / "crawl", lists / "crawl.txt")
    jobs.prove(hosts.root / "sink" / "srv" / "disk2" / "next", lists / "next.txt")


def test_a_guide_that_shows_what_is_not_so_is_found(hosts: Hosts) -> None:
    for wrong in (Command("sink", "echo a", ["b"]), Command("sink", "false | cat", [])):
        with pytest.raises(AssertionError, match="Command"):
            hosts.run(wrong)


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
