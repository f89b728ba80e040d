"""The roles as separate programs over TCP: they may start, join and leave in any order."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send
from support import jobs
from support.hosts import Hosts
from support.pages import get
from support.waiting import wait_until
from tools.ports import free_ports


def orders() -> Iterator[object]:
    """All orders; those that begin with the ventilator or end with it are tried in each run."""
    for order in itertools.permutations(("ventilator", "worker", "sink")):
        often = order in (("ventilator", "worker", "sink"), ("sink", "worker", "ventilator"))
        yield pytest.param(order, marks=() if often else pytest.mark.slow)


@pytest.mark.parametrize("order", list(orders()))
def test_the_roles_may_start_in_any_order(tmp_path: Path, order: tuple[str, ...]) -> None:
    hosts = Hosts(tmp_path, 60)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(jobs.forked(*getattr(hosts, role))) for role in order]
        for job in running:
            code, _, error = job.wait(60)
            assert code == 0, error
    jobs.prove(hosts.out, hosts.urls)


def test_a_slow_worker_keeps_nothing_from_one_that_has_nothing_to_do(tmp_path: Path) -> None:
    hosts, port = Hosts(tmp_path, 1200, ms=30), free_ports(1)
    one_at_a_time = [each if each != "--pool-size=8" else "--pool-size=1" for each in hosts.worker]
    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(jobs.forked(*one_at_a_time))
        sink = stack.enter_context(jobs.forked(*hosts.sink))
        ventilator = stack.enter_context(
            jobs.forked(*hosts.ventilator, f"--set=metrics.ventilator_port={port}")
        )
        wait_until(lambda: jobs.committed(hosts.out) > 0, what="rows of the slow one")
        other = stack.enter_context(jobs.forked(*hosts.worker))
        said = b""

        def has_ended() -> bool:
            nonlocal said
            with contextlib.suppress(OSError):
                said = get(port, "/metrics")[2]
            return ventilator.process.poll() is not None

        wait_until(has_ended, what="the end of the job")
        code, _, error = ventilator.wait()
        assert code == sink.wait()[0] == slow.wait()[0] == other.wait()[0] == 0, error
    jobs.prove(hosts.out, hosts.urls)
    assert b"\nfetcher_ventilator_redelivered_lines_total 0.0\n" in said
    rows = (hosts.out / "results" / "part-00000.jsonl").read_bytes().splitlines()
    by_worker = Counter(json.loads(row)["worker"] for row in rows)
    assert len(by_worker) == 2
    assert min(by_worker.values()) < 600, "of 1,200; it has the lines before the other starts"


def test_workers_join_and_leave_and_everybody_may_restart(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 600)
    with contextlib.ExitStack() as stack:

        def start(arguments: tuple[object, ...]) -> jobs.Running:
            return stack.enter_context(jobs.forked(*arguments))

        sink, ventilator, first = map(start, (hosts.sink, hosts.ventilator, hosts.worker))
        wait_until(lambda: jobs.committed(hosts.out) > 20, what="rows")
        second = start(hosts.worker)
        wait_until(lambda: jobs.committed(hosts.out) > 100, what="more rows")
        first.process.send_signal(signal.SIGTERM)
        assert first.wait()[0] == 0
        ventilator.process.send_signal(signal.SIGTERM)
        code, _, error = ventilator.wait()
        assert code == 3
        assert "the same command resumes" in error
        ventilator = start(hosts.ventilator)
        wait_until(lambda: jobs.committed(hosts.out) > 200, what="rows after a new ventilator")
        sink.process.send_signal(signal.SIGTERM)
        assert sink.wait()[0] == 3
        sink = start(hosts.sink)
        wait_until(lambda: jobs.committed(hosts.out) > 300, what="rows after a new sink")
        sink.process.kill()
        ventilator.process.kill()
        sink, ventilator = start(hosts.sink), start(hosts.ventilator)
        for job in (ventilator, sink, second):
            code, _, error = job.wait(90)
            assert code == 0, error
    jobs.prove(hosts.out, hosts.urls)


def test_a_second_ventilator_and_a_second_sink_are_refused_with_4(tmp_path: Path) -> None:
    hosts, go = Hosts(tmp_path, 0), tmp_path / "go"
    urls = [f"http://test.invalid/{n}?ms=20" for n in range(40)]
    urls += [f"http://test.invalid/{n}?file={go}" for n in range(40)]
    jobs.write_urls(hosts.urls, urls)
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(jobs.forked(*hosts.sink))
        first = stack.enter_context(jobs.forked(*hosts.ventilator))
        worker = stack.enter_context(jobs.forked(*hosts.worker))
        worker_2 = stack.enter_context(jobs.forked(*hosts.worker))
        wait_until(lambda: jobs.committed(hosts.out) > 0, what="rows")
        taken = jobs.call(*hosts.ventilator)
        assert taken.returncode == 4
        assert "in use" in taken.stderr
        elsewhere = f"--ventilator=tcp://127.0.0.1:{free_ports(3)}"
        second = stack.enter_context(jobs.forked(*hosts.ventilator, elsewhere))
        again = jobs.call(*hosts.sink)
        assert again.returncode == 4
        assert "in use" in again.stderr
        locked = jobs.call(*hosts.at(sink=f"tcp://127.0.0.1:{free_ports(2)}").sink)
        assert locked.returncode == 4
        assert "in use" in locked.stderr
        go.touch()
        code, _, error = first.wait(60)
        assert code == 0, error
        assert sink.wait()[0] == 0
        assert worker.wait()[0] == worker_2.wait()[0] == 0
        second.process.kill()
    jobs.prove(hosts.out, hosts.urls)


def test_a_sink_outlives_malformed_requests(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 30)
    address, port = hosts.sink_endpoints[0].rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(jobs.forked(*hosts.sink))]
        context = stack.enter_context(zmq.Context())
        for garbage in (b"", b"garbage", b"\x81\xa1v\x05"):
            with context.socket(zmq.REQ) as asker:
                asker.linger = 0
                asker.connect(f"{address}:{int(port) + 1}")
                asker.send(garbage)
                assert asker.poll(60_000), "an answer, whatever came"
                assert b"malformed" in asker.recv()
        running += [stack.enter_context(jobs.forked(*hosts.ventilator))]
        running += [stack.enter_context(jobs.forked(*hosts.worker))]
        for job in running:
            code, _, error = job.wait(60)
            assert code == 0, error
    jobs.prove(hosts.out, hosts.urls)


@pytest.mark.parametrize("role", ["sink", "ventilator"])
def test_a_role_binds_beyond_loopback_only_with_insecure(tmp_path: Path, role: str) -> None:
    hosts = Hosts(tmp_path, 3)
    elsewhere = hosts.at(**{role: f"tcp://0.0.0.0:{free_ports(3)}"})
    done = jobs.call(*getattr(elsewhere, role))
    assert done.returncode == 2
    assert "--insecure" in done.stderr


def test_a_standing_worker_serves_job_after_job_and_leaves_on_a_signal(tmp_path: Path) -> None:
    first, second = Hosts(tmp_path, 40), Hosts(tmp_path, 40)
    second.outs = [tmp_path / "second"]
    second = second.at(ventilator=first.endpoint, sink=first.sink_endpoints[0])
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(jobs.forked(*first.worker, "--standing", "--quiet"))
        for hosts in (first, second, second):
            roles = [stack.enter_context(jobs.forked(*hosts.sink))]
            roles += [stack.enter_context(jobs.forked(*hosts.ventilator))]
            for role in roles:
                code, _, error = role.wait(60)
                assert code == 0, error
        worker.process.send_signal(signal.SIGTERM)
        code, _, error = worker.wait()
    assert code == 0
    for hosts in (first, second):
        jobs.prove(hosts.outs, hosts.urls)
    said = [line for line in error.splitlines() if "stopping" not in line]
    assert said == [], "it waits, and works, without a word"


def test_a_standing_worker_stays_where_one_ventilator_follows_another_at_once(
    tmp_path: Path,
) -> None:
    hosts = Hosts(tmp_path, 1)
    at = endpoints_of(hosts.endpoint, hosts.sink_endpoints)
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        opened = functools.partial(open_socket, context, bind=True)
        sockets = [
            stack.enter_context(opened(kind, way, address))
            for kind, way, address in (
                (zmq.PULL, Channel.EVENTS, at.events),
                (zmq.PUB, Channel.CONTROL, at.control),
                (zmq.PUSH, Channel.TASKS, at.tasks),
            )
        ]
        events, control, _ = sockets
        worker = stack.enter_context(jobs.forked(*hosts.worker, "--standing"))

        def beat(of: set[str]) -> bool:
            received = receive(events)
            if received and isinstance(received[0], messages.Heartbeat):
                of.add(received[0].worker)
            return bool(of)

        def tell(phase: messages.Phase, ventilator_number: int) -> None:
            send(
                control,
                messages.State("j", phase, Totals(), SourceInfo(), 0, 1, 0, ventilator_number),
            )

        first: set[str] = set()
        wait_until(lambda: beat(first), what="the worker")
        tell("running", 1)
        tell("finish", 1)
        tell("starting", 2)
        second = set(first)

        def another() -> bool:
            tell("starting", 2)
            beat(second)
            return len(second) == 2

        wait_until(another, what="a fresh process for the next job")
        assert worker.process.poll() is None


def test_of_several_sinks_a_lost_one_freezes_only_its_batches(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 600, sinks=3)
    with contextlib.ExitStack() as stack:

        def start(arguments: tuple[object, ...]) -> jobs.Running:
            return stack.enter_context(jobs.forked(*arguments))

        sinks = [start(each) for each in hosts.sinks]
        ventilator, worker = start(hosts.ventilator), start(hosts.worker)
        wait_until(lambda: all(jobs.committed(out) > 20 for out in hosts.outs), what="rows")
        sinks[1].process.kill()
        sinks[1].wait()
        had = jobs.committed(hosts.outs[1])
        assert had < 200
        others = (hosts.outs[0], hosts.outs[2])
        wait_until(lambda: all(jobs.committed(out) == 200 for out in others), 60, "the others")
        assert jobs.committed(hosts.outs[1]) == had
        half = jobs.call("verify", *hosts.outs)
        assert half.returncode == 6
        ventilator.process.kill()
        sinks[1] = start(hosts.sinks[1])
        ventilator = start(hosts.ventilator)
        for job in (ventilator, *sinks, worker):
            code, _, error = job.wait(60)
            assert code == 0, error
    jobs.prove(hosts.outs, hosts.urls)
    proven = jobs.call("verify", *hosts.outs)
    assert (proven.returncode, "600 URL lines, 600 rows" in proven.stdout) == (0, True)
    one = jobs.call("verify", hosts.outs[2])
    assert one.returncode == 0
    assert "sink 1 of 3 and sink 2 of 3: not looked at" in one.stdout
    status = json.loads(jobs.call("status", "--json", *hosts.outs).stdout)
    assert (status["state"], status["rows"], status["url_lines"]) == ("complete", 600, 600)


def test_a_sink_that_was_another_of_the_sinks_is_refused_with_4(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 40, sinks=2)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(jobs.forked(*each)) for each in hosts.sinks]
        running += [stack.enter_context(jobs.forked(*hosts.ventilator))]
        running += [stack.enter_context(jobs.forked(*hosts.worker))]
        for job in running:
            code, _, error = job.wait(60)
            assert code == 0, error
    hosts.outs.reverse()
    swapped = hosts.at()
    with contextlib.ExitStack() as stack:
        for each in swapped.sinks:
            stack.enter_context(jobs.forked(*each))
        refused = jobs.call(*swapped.ventilator)
    assert refused.returncode == 4
    assert "was begun as sink 2 of 2, and now it is sink 1 of 2" in refused.stderr


def test_a_sink_must_know_which_of_several_it_is(tmp_path: Path) -> None:
    where = ("--sink=tcp://127.0.0.1:5710", "--sink=tcp://127.0.0.1:5720")
    which = jobs.call("sink", "-o", tmp_path, *where)
    assert (which.returncode, "--number" in which.stderr) == (2, True)
    beyond = jobs.call("sink", "-o", tmp_path, "--number=3", *where)
    assert (beyond.returncode, "lists 2" in beyond.stderr) == (2, True)
