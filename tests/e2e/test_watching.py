"""Metrics, health and status of running roles, over TCP on loopback."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
from pathlib import Path
from typing import Any

import zmq
from prometheus_client.parser import text_string_to_metric_families

from support import jobs
from support.crowded import Answer, crowded_site
from support.names import at, name_server
from support.pages import get
from support.waiting import wait_until
from tools.ports import free_ports

LINES = 1500


def metrics(port: int) -> dict[str, float]:
    """Every sample, by its name and its labels' values."""
    status, _, page = get(port, "/metrics")
    assert status == 200
    return {
        ".".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def health(port: int) -> tuple[int, str]:
    """Status, and the reasons."""
    with contextlib.suppress(OSError):
        status, _, body = get(port, "/healthz")
        return status, "; ".join(json.loads(body)["reasons"])
    return 0, ""


class Cluster:
    """The command lines of the roles of one job, each with its port."""

    def __init__(self, tmp_path: Path) -> None:
        base = free_ports(9)
        self.out = tmp_path / "out"
        self.urls = jobs.write_urls(
            tmp_path / "urls.txt", [f"http://test.invalid/{n}?ms=40" for n in range(LINES)]
        )
        self.at = f"--ventilator=tcp://127.0.0.1:{base}"
        self.events = f"tcp://127.0.0.1:{base + 1}"
        self.ports = {"ventilator": base + 5, "sink": base + 6, "worker": base + 7}
        where = [self.at, f"--sink=tcp://127.0.0.1:{base + 3}"]
        where += [f"--set=metrics.{role}_port={port}" for role, port in self.ports.items()]
        where += ["--set=lease.silent_s=1", "--set=lease.sink_silent_s=1"]
        where += ["--set=worker.heartbeat_s=0.3", "--set=job.batch_size=50"]
        self.ventilator = ("ventilator", self.urls, *where)
        slow = (f"--set=worker.transport={jobs.SLOW}", "--processes=2", "--pool-size=4")
        self.worker = ("worker", *slow, *where)
        self.sink = ("sink", "-o", self.out, *where)

    def status(self) -> dict[str, Any]:
        """As the program tells it."""
        done = jobs.call("status", self.at, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def test_a_cluster_tells_how_it_is_while_its_parts_come_and_go(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    ports = cluster.ports
    with contextlib.ExitStack() as stack:

        def start(arguments: tuple[object, ...]) -> jobs.Running:
            return stack.enter_context(jobs.forked(*arguments))

        ventilator = start(cluster.ventilator)
        start(cluster.worker)
        wait_until(lambda: health(ports["ventilator"])[0] == 503, what="a sink to be missed")
        assert "the sink does not answer" in health(ports["ventilator"])[1]
        wait_until(lambda: health(ports["worker"] + 1) == (200, ""), what="the second worker")
        wait_until(lambda: len(cluster.status()["workers"]) == 2, what="both workers")
        assert "the sink does not answer" in cluster.status()["trouble"]

        start(cluster.sink)
        wait_until(lambda: jobs.committed(cluster.out) > 100, what="rows")
        wait_until(lambda: health(ports["ventilator"]) == (200, ""), what="the sink to be heard")
        assert health(ports["sink"]) == health(ports["worker"]) == (200, "")
        look_at_the_job(cluster)
        drop_garbage(cluster)

        ventilator.process.send_signal(signal.SIGTERM)
        assert ventilator.wait()[0] == 3
        wait_until(lambda: health(ports["worker"])[0] == 503, what="the ventilator to be missed")
        assert f"no ventilator is heard at {cluster.at[13:]}" in health(ports["worker"])[1]
        silent = jobs.call("status", cluster.at, "--timeout=0.3")
        assert silent.returncode == 7
        assert silent.stderr.startswith(f"fetcher: no ventilator answers at {cluster.at[13:]}")
        assert len(silent.stderr.splitlines()) == 1


def look_at_the_job(cluster: Cluster) -> None:
    status = cluster.status()
    assert (status["phase"], status["trouble"], status["url_lines"]) == ("running", "", LINES)
    assert 100 < status["rows"] < LINES
    assert 0 < status["oldest"]["line"] <= LINES
    assert status["left_s"] > 0
    assert status["leases"] >= 2
    assert [each["slots"] for each in status["workers"]] == [4, 4]
    assert all(each["rows"] and each["leases"] for each in status["workers"])
    people = jobs.call("status", cluster.at).stdout
    assert people.startswith("running: ")
    assert "longest at work: line " in people
    assert all(each["worker"] in people for each in status["workers"])

    ventilator, sink = metrics(cluster.ports["ventilator"]), metrics(cluster.ports["sink"])
    assert ventilator["fetcher_ventilator_url_lines"] == LINES
    assert ventilator["fetcher_ventilator_workers"] == 2
    assert ventilator["fetcher_ventilator_rows_total.ok"] > 100
    assert sink["fetcher_sink_rows_total.ok"] > 100
    assert sink["fetcher_sink_commit_duration_seconds_count"] > 1
    assert sink["fetcher_sink_commit_rows_sum"] == sink["fetcher_sink_rows_total.ok"]
    assert sink["fetcher_sink_written_bytes_total"] > 10_000
    workers = [metrics(cluster.ports["worker"] + number) for number in range(2)]
    for worker in workers:
        assert worker["fetcher_worker_rows_total.ok"] > 0
        assert worker["fetcher_worker_in_flight_fetches"] <= worker["fetcher_worker_pool_size"] == 4
        assert worker["fetcher_worker_exchanges_total"] >= worker["fetcher_worker_rows_total.ok"]
        assert worker["fetcher_worker_loop_lag_seconds_count"] > 0


def drop_garbage(cluster: Cluster) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.connect(cluster.events)
        stranger.send(b"garbage")
        wait_until(
            lambda: metrics(cluster.ports["ventilator"]).get(
                "fetcher_ventilator_messages_dropped_total.malformed"
            ),
            what="the garbage to be counted",
        )


def test_a_host_that_asked_for_a_rest_is_named_with_the_reason(tmp_path: Path) -> None:
    def behave(_name: str, _path: str, _number: int) -> Answer:
        return (503, {"Retry-After": "50"}, b"", 0.0)

    with crowded_site(behave) as site:
        base = f"http://127.0.0.1:{site.port}"
        urls = jobs.write_urls(tmp_path / "urls.txt", [f"{base}/{n}" for n in range(9)])
        out = tmp_path / "out"
        options = ("--workers=1", "--set=polite.enabled=true", "--set=polite.per_host=1")
        with jobs.forked("run", urls, "-o", out, *options):
            wait_until(lambda: jobs.committed(out), what="the first answer")
            said = rf"127\.0\.0\.1:{site.port} rests \d+ s more after 503: 8 lines wait"
            wait_until(lambda: re.search(said, jobs.call("status", out).stdout), what=said)
            shown = jobs.call("status", out).stdout
            assert re.search(r"^0 being fetched; 8 waiting for their host's turn; ", shown, re.M)
            watched = jobs.call("top", out, "--once").stdout
            assert "0 being fetched · 8 waiting for their host's turn" in watched


def test_a_worker_counts_its_requests_retries_look_ups_and_hosts(tmp_path: Path) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        if name == "busy.test":
            return (503, {"Retry-After": "0"}, b"", 0.0)
        return (200, {}, b"fine", 2.0)

    zone = {(name, "A"): [at("127.0.0.1")] for name in ("busy.test", "slow.test")}
    port = free_ports(1)
    with crowded_site(behave) as site, name_server(zone) as names:
        hosts = ("busy.test", "slow.test", "nowhere.test")
        urls = jobs.write_urls(
            tmp_path / "urls.txt", [f"http://{host}:{site.port}/" for host in hosts]
        )
        options = [f"--set=dns.servers=127.0.0.1:{names.port}", "--set=http.ip_version='4'"]
        options += ["--set=polite.enabled=true", "--set=retry.attempts=2", "--quiet"]
        options += ["--set=retry.backoff_s=0.1", "--workers=1", f"--set=metrics.worker_port={port}"]
        with jobs.forked("run", urls, "-o", tmp_path / "out", *options) as job:
            wait_until(lambda: health(port)[0] == 200, what="the worker")
            wait_until(
                lambda: metrics(port).get("fetcher_worker_rows_total.http_error"), what="a row"
            )
            # Hosts are returned a few times a second.
            wait_until(lambda: metrics(port)["fetcher_worker_hosts"] == 1, what="one host")
            found = metrics(port)
            code, _, error = job.wait(60)
    assert code == 0, error
    assert found["fetcher_worker_exchanges_total"] == 4  # one of them was no more than a look-up
    assert found["fetcher_worker_retries_total"] == 1
    assert found["fetcher_worker_dns_lookups_total.found"] == 2
    assert found["fetcher_worker_dns_lookups_total.no_name"] == 1
    assert found["fetcher_worker_responses_total.5xx"] == 1
    assert found["fetcher_worker_rows_total.dns"] == 1
    assert found["fetcher_worker_in_flight_fetches"] == 1


def test_a_worker_that_stands_by_for_a_job_is_well_without_a_ventilator(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with jobs.forked(*cluster.worker, "--standing", "--processes=1"):
        silence = "fetcher_worker_ventilator_silence_seconds"
        wait_until(lambda: health(cluster.ports["worker"])[0], what="the worker")
        wait_until(lambda: metrics(cluster.ports["worker"])[silence] > 1.3, what="silence")
        assert health(cluster.ports["worker"]) == (200, "")


def test_a_port_that_is_taken_is_one_line_and_4(tmp_path: Path) -> None:
    # It takes long enough for the second worker to start, however busy the machine is.
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://test.invalid/?ms=5000"])
    slow = f"--set=worker.transport={jobs.SLOW}"
    port = free_ports(2) + 1  # and the one before it
    with socket.create_server(("127.0.0.1", port)):
        for role, first in (("sink", port), ("worker", port - 1)):
            chosen = f"--set=metrics.{role}_port={first}"
            done = jobs.call("run", urls, "-o", tmp_path / "out", "--workers=2", slow, chosen)
            assert done.returncode == 4
            (said,) = done.stderr.splitlines()
            assert said.startswith(f"fetcher: metrics.{role}_port: 127.0.0.1:{port} is in use")
        done = jobs.call("run", urls, "-o", tmp_path / "out", "--workers=1", f"--web={port}")
        assert done.returncode == 4
        (said,) = done.stderr.splitlines()
        assert said.startswith(f"fetcher: monitor.http: 127.0.0.1:{port} is in use")
