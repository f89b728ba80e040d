"""Roles of a cluster print a line when they listen, when others join, and at the end."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path

from support import jobs
from support.hosts import Hosts
from support.waiting import wait_until


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def said_by(hosts: Hosts, *options: str) -> dict[str, str]:
    """The stderr of each role of a whole job."""
    with contextlib.ExitStack() as stack:
        running: dict[object, jobs.Running] = {}
        for arguments in (hosts.sink, hosts.ventilator, hosts.worker):
            if arguments is hosts.worker:  # so that it hears all that the ventilator says
                wait_until(lambda: listens(hosts.ventilator_port + 2), what="the ventilator")
            running[arguments[0]] = stack.enter_context(jobs.running(*arguments, *options))
        ended = {str(role): job.wait(60) for role, job in running.items()}
    assert [code for code, _, _ in ended.values()] == [0, 0, 0], ended
    return {role: error for role, (_, _, error) in ended.items()}


def test_each_says_that_it_waits_who_joined_and_that_it_is_done(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 5, ms=1500)
    said = {role: error.splitlines() for role, error in said_by(hosts).items()}
    sink, ventilator = hosts.sink_endpoints[0], hosts.endpoint
    assert said["sink"] == [
        f"fetcher: the sink listens at {sink}; waiting for a ventilator and workers",
        "fetcher: a ventilator joined with urls.txt",
        "fetcher: the sink is done: every line has its row",
    ]
    first, *rest = said["ventilator"]
    assert first == (
        f"fetcher: the ventilator listens at {ventilator}; waiting for the sink at {sink} and for "
        "workers"
    )
    assert rest[0] == "fetcher: the sink joined"
    assert rest[1].startswith("fetcher: worker ")
    assert rest[1].endswith(" joined (1 now)")
    assert rest[2:] == ["fetcher: the ventilator is done: every line has its row"]
    first, *rest = said["worker"]
    assert first.startswith(f"fetcher: 1 worker process waits for the ventilator at {ventilator}")
    assert "fetcher: the ventilator is heard: there is a job" in rest
    assert rest[-1] == "fetcher: the workers are done: every line has its row"


def test_programs_get_the_same_as_json(tmp_path: Path) -> None:
    for role, error in said_by(Hosts(tmp_path, 5, ms=10), "--log-format=json").items():
        lines = [json.loads(line) for line in error.splitlines()]
        assert {line["role"] for line in lines} == {"supervisor" if role == "worker" else role}
        assert {line["level"] for line in lines} == {"info"}
        assert lines[-1]["message"].endswith("done: every line has its row")


def test_quiet_roles_and_a_run_on_one_host_say_nothing(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 5, ms=10)
    assert said_by(hosts, "--quiet") == {"sink": "", "worker": "", "ventilator": ""}
    null = "--set=worker.transport=null"
    assert jobs.call("run", hosts.urls, "-o", tmp_path / "alone", null).stderr == ""
