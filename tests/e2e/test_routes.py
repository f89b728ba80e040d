"""Routes: lines that only some workers may fetch."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from support import jobs
from support.hosts import Hosts
from support.waiting import wait_until

CONF = """
[[routes]]
name = "eu"
match = ["host:eu.invalid"]

[[routes]]
name = "own"
"""
EU, OWN, OTHER = 60, 20, 40


def _hosts(tmp_path: Path) -> Hosts:
    """A list whose lines are of three routes, all mixed."""
    hosts = Hosts(tmp_path, 0, routes=2)
    hosts.urls = tmp_path / "urls.jsonl"
    entries: list[dict[str, str]] = []
    for n in range(20):
        entries += [{"url": f"http://www.eu.invalid/{n}/{m}"} for m in range(EU // 20)]
        entries += [{"url": f"http://eu.invalid/{n}", "route": "own"}]
        entries += [{"url": f"http://test.invalid/{n}/{m}"} for m in range(OTHER // 20)]
    hosts.urls.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (tmp_path / "routes.toml").write_text(CONF)
    return hosts


def _route(row: dict[str, str]) -> str:
    if "www.eu.invalid" in row["url"]:
        return "eu"
    return "own" if "eu.invalid" in row["url"] else "default"


def _rows(out: Path) -> list[dict[str, str]]:
    text = (out / "results" / "part-00000.jsonl").read_bytes()
    return [json.loads(row) for row in text.splitlines()]


def test_each_line_is_fetched_by_workers_of_its_route_alone(tmp_path: Path) -> None:
    hosts, conf = _hosts(tmp_path), tmp_path / "routes.toml"
    ventilator = [
        str(hosts.urls) if each == tmp_path / "urls.txt" else each for each in hosts.ventilator
    ]
    with contextlib.ExitStack() as stack:

        def start(*arguments: object) -> jobs.Running:
            return stack.enter_context(jobs.running(*arguments))

        sink = start(*hosts.sink)
        first = start(*ventilator, "-c", conf)
        start(*hosts.worker, "--routes", "default,own")
        wait_until(lambda: jobs.committed(hosts.out) == OWN + OTHER, what="rows of served routes")
        assert {_route(row) for row in _rows(hosts.out)} == {"default", "own"}
        served = {row["worker"] for row in _rows(hosts.out)}
        first.process.kill()
        first.wait()
        ventilator_2 = start(*ventilator, "-c", conf)
        worker = start(*hosts.worker, "--routes", "eu,absent")
        for job in (ventilator_2, sink, worker):
            code, _, error = job.wait(60)
            assert code == 0, error
        assert "the job has no route absent" in error
    proof = jobs.call("verify", hosts.out)
    assert proof.returncode == 0, proof.stdout
    by_route = {row["worker"] for row in _rows(hosts.out) if _route(row) == "eu"}
    assert by_route and by_route.isdisjoint(served)


def test_on_one_host_all_workers_serve_all_routes_and_a_resume_may_have_others(
    tmp_path: Path,
) -> None:
    hosts, conf = _hosts(tmp_path), tmp_path / "routes.toml"
    out = tmp_path / "out"
    job = ("run", hosts.urls, "-o", out, f"--set=worker.transport={jobs.SLOW}", "--quiet")
    with jobs.running(*job, "-c", conf, "--workers=1") as first:
        wait_until(lambda: jobs.committed(out) > 0, what="rows")
        first.process.kill()
        first.wait()
    conf.write_text(CONF.replace("eu.invalid", "test.invalid"))
    done = jobs.call(*job, "-c", conf, "--workers=1")
    assert done.returncode == 0, done.stderr
    proof = jobs.call("verify", out)
    assert proof.returncode == 0, proof.stdout


def test_a_sink_at_the_port_of_a_route_is_named(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1, routes=0)
    (tmp_path / "routes.toml").write_text(CONF)
    done = jobs.call(*hosts.ventilator, "-c", tmp_path / "routes.toml")
    assert done.returncode == 2
    assert "route eu would use" in done.stderr and "5 ports in a row" in done.stderr
