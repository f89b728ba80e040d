"""Roles with keys, over TCP: strangers are refused and logged, and the job continues."""

from __future__ import annotations

import contextlib
import re
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from fetcher.protocol import messages
from fetcher.security import keygen
from support import jobs, strangers
from support.messages import EXAMPLES
from support.strangers import Stranger
from support.waiting import wait_until, wait_until_steady
from tools.ports import free_ports

MS = 40
HOST = "127.0.0.1"


class Hosts:
    """The command lines of a job's roles, each with its folder of keys."""

    def __init__(self, tmp_path: Path, lines: int, routes: int = 0) -> None:
        self.base = free_ports(5 + routes)
        self.keys = tmp_path / "keys"
        keygen.init(self.keys, ("a", "b"))
        self.out = tmp_path / "out"
        self.urls = jobs.write_urls(
            tmp_path / "urls.txt", [f"http://test.invalid/{n}?ms={MS}" for n in range(lines)]
        )
        self.ventilator_at = f"--ventilator=tcp://{HOST}:{self.base}"
        self.sink_at = f"--sink=tcp://{HOST}:{self.base + 3 + routes}"
        self._where = (
            self.ventilator_at,
            self.sink_at,
            f"--set=worker.transport={jobs.SLOW}",
            "--set=lease.silent_s=2",
            "--set=lease.finished_s=3",
            "--set=lease.unclaimed_s=3",
            "--set=job.batch_size=10",
        )
        self.ventilator = ("ventilator", self.urls, *self._with(self.keys / "ventilator"))
        self.sink = ("sink", "-o", self.out, *self._with(self.keys / "sink"))

    def _with(self, folder: Path) -> tuple[object, ...]:
        return (*self._where, f"--keys={folder}")

    def worker(self, name: str, keys: Path | None = None) -> tuple[object, ...]:
        folder = (keys or self.keys) / "workers" / name
        return ("worker", "--processes=1", "--pool-size=8", *self._with(folder))

    def address(self, index: int) -> str:
        return f"tcp://{HOST}:{self.base + index}"

    def listen(self, index: int) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self.base + index)).close()
            return True
        return False

    def revoke(self, name: str) -> None:
        for role in ("ventilator", "sink"):
            (self.keys / role / "allowed" / f"{name}.key").unlink()


def refused(log: str) -> list[str]:
    """The lines about peers, without their times."""
    return re.findall(r"refused .*", log)


def test_a_job_with_keys_takes_no_notice_of_strangers(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 800)
    others = tmp_path / "others"
    keygen.init(others, ("a",))
    forged = messages.ChunkHeader(
        **{**msgspec.structs.asdict(EXAMPLES["chunk"][0]), "worker": "a-1-0123456789-1"}
    )
    context: zmq.Context[Any] = zmq.Context()
    with contextlib.ExitStack() as stack:
        sink, ventilator = (
            stack.enter_context(jobs.forked(*each)) for each in (hosts.sink, hosts.ventilator)
        )
        stack.callback(context.destroy, linger=0)
        wait_until(lambda: hosts.listen(0) and hosts.listen(4), what="the servers")
        ports = [hosts.base + index for index in range(5)]
        stack.enter_context(strangers.idle(HOST, ports, 300))
        strangers.shout(HOST, hosts.base, b"GET / HTTP/1.1\r\n\r\n")
        worker = stack.enter_context(jobs.forked(*hosts.worker("a")))
        known = [
            # The wrong key of the server, no keys at all, and a worker that would end the job.
            Stranger(context, zmq.PUSH).under(others / "workers" / "a", "sink"),
            Stranger(context, zmq.PUSH),
            Stranger(context, zmq.REQ).under(hosts.keys / "workers" / "b", "sink"),
            # A worker in the name of another, at both servers.
            Stranger(context, zmq.PUSH).under(hosts.keys / "workers" / "b", "ventilator"),
            Stranger(context, zmq.PUSH).under(hosts.keys / "workers" / "b", "sink"),
        ]
        for stranger, index in zip(known, (3, 1, 4, 1, 3), strict=True):
            stranger.connect(hosts.address(index))
        known[2].say(messages.Close(session="s"), within_s=1)
        assert known[3].say(messages.Gone(worker="a-1-0123456789-1"))
        assert known[4].say(forged, b"{}{ }")
        wait_until(lambda: jobs.committed(hosts.out) > 0, what="rows")
        status = jobs.call("status", hosts.ventilator_at, f"--keys={hosts.keys / 'workers' / 'b'}")
        assert re.search(r"\ba-\d+-[0-9a-f]{10}-1\b", status.stdout), status.stderr
        logs = []
        for job in (worker, ventilator, sink):
            code, _, error = job.wait(60)
            assert code == 0, error
            logs.append(error)
    said = "\n".join(refused(logs[1]) + refused(logs[2]))
    for what in (
        "at results: it has another public key",
        f"refused b ({HOST}) at commits: its key is that of another role",
        "refused b as 'a-1-0123456789-1' at events: it uses the name of another worker",
        "refused b as 'a-1-0123456789-1' at results: it uses the name of another worker",
        "at tasks: it connected without keys",
        "it did not say in time who it is (10 such so far)",
    ):
        assert what in said, said
    assert len(refused(logs[1])) + len(refused(logs[2])) < 30
    rows = jobs.prove(hosts.out, hosts.urls)
    assert all(re.fullmatch(r"a-\d+-[0-9a-f]{10}-1", row.worker or "") for row in rows)


def test_the_socket_of_each_route_has_the_keys_and_a_stranger_gets_no_line(tmp_path: Path) -> None:
    hosts, routes = Hosts(tmp_path, 200, routes=2), tmp_path / "routes.toml"
    routes.write_text(
        '[[routes]]\nname = "even"\nmatch = "url:[02468]\\\\?"\n[[routes]]\nname = "none"\n'
    )
    context: zmq.Context[Any] = zmq.Context()
    with contextlib.ExitStack() as stack:
        stack.callback(context.destroy, linger=0)
        sink, ventilator = (
            stack.enter_context(jobs.running(*each))
            for each in (hosts.sink, (*hosts.ventilator, "-c", routes))
        )
        strange = [context.socket(zmq.PULL) for _ in range(2)]
        ends = [each.get_monitor_socket(zmq.EVENT_DISCONNECTED) for each in strange]
        for route, each in enumerate(strange):
            each.connect(hosts.address(3 + route))
        # Without a worker the job cannot end before they are refused.
        assert all(end.poll(60_000) for end in ends)
        a = stack.enter_context(jobs.running(*hosts.worker("a"), "--routes=even"))
        b = stack.enter_context(jobs.running(*hosts.worker("b"), "--routes=default,none"))
        for job in (a, b, ventilator, sink):
            code, _, error = job.wait(60)
            assert code == 0, error
            if job is ventilator:
                # Which of the two depends on which side ends the connection first.
                assert re.search("it (connected without keys|left before it had shown a)", error), (
                    error
                )
        assert not any(each.poll(0) for each in strange)
    rows = jobs.prove(hosts.out, hosts.urls)
    by_worker = {
        (row.worker[0], int(row.url.rpartition("/")[2].partition("?")[0]) % 2) for row in rows
    }
    assert by_worker == {("a", 0), ("b", 1)}


def of_b(hosts: Hosts) -> int:
    return sum(row.worker.startswith("b-") for row in jobs.rows(hosts.out))


def test_a_revoked_worker_leaves_and_the_others_do_its_work(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 400)
    with contextlib.ExitStack() as stack:
        sink, ventilator, a, b = (
            stack.enter_context(jobs.forked(*each))
            for each in (hosts.sink, hosts.ventilator, hosts.worker("a"), hosts.worker("b"))
        )
        wait_until(
            lambda: {(row.worker or "?")[0] for row in jobs.rows(hosts.out)} == {"a", "b"},
            what="rows",
        )
        hosts.revoke("b")
        code, _, error = b.wait(60)
        assert code == 2
        assert error.count("does not let this key in") == 1
        assert "does not let this key in" in error.splitlines()[-1]
        had = wait_until_steady(lambda: of_b(hosts), for_s=0.5, what="the last rows of b")
        for job in (a, ventilator, sink):
            code, _, error = job.wait(60)
            assert code == 0, error
    jobs.prove(hosts.out, hosts.urls)
    assert of_b(hosts) == had < 400


def test_who_has_a_key_of_another_job_learns_it_and_leaves(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 10)
    others = tmp_path / "others"
    keygen.init(others, ("a",))
    for server in ("ventilator", "sink"):  # as somebody who knows the servers' public keys
        public = hosts.keys / "workers" / "a" / f"{server}.key"
        (others / "workers" / "a" / public.name).write_bytes(public.read_bytes())
    (hosts.keys / "sink" / "allowed" / "ventilator.key").unlink()
    with jobs.forked(*hosts.sink), jobs.forked(*hosts.ventilator) as ventilator:
        stranger = jobs.call(*hosts.worker("a", others))
        assert stranger.returncode == 2
        assert "does not let this key in" in stranger.stderr
        code, _, error = ventilator.wait(60)
        assert code == 2
        assert "the sink does not let this key in" in error


def test_who_has_no_keys_where_some_are_asked_for_learns_it_and_leaves(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 200)
    with jobs.forked(*hosts.sink), jobs.forked(*hosts.ventilator):
        wait_until(lambda: hosts.listen(0) and hosts.listen(4), what="the servers")
        asks = rf"fetcher: tcp://{HOST}:\d+: the {{}} requires keys: name .* with --keys .*\n"
        elsewhere = f"--ventilator=tcp://{HOST}:{free_ports(3)}"
        for server, keyless in (
            ("ventilator", ("status", hosts.ventilator_at)),
            ("(ventilator|sink)", ("worker", hosts.ventilator_at, hosts.sink_at)),
            ("sink", ("worker", elsewhere, hosts.sink_at)),
            ("sink", ("ventilator", hosts.urls, elsewhere, hosts.sink_at)),
        ):
            done = jobs.call(*keyless)
            assert done.returncode == 2
            last = done.stderr.splitlines(keepends=True)[-1]
            assert re.fullmatch(asks.format(server), last), done.stderr


@pytest.mark.parametrize("role", ["ventilator", "sink", "worker"])
def test_beyond_loopback_a_role_needs_keys(tmp_path: Path, role: str) -> None:
    hosts = Hosts(tmp_path, 3)
    command = {"worker": hosts.worker("a"), "sink": hosts.sink, "ventilator": hosts.ventilator}
    # The ventilator binds at home, and connects to a sink elsewhere.
    at, mine = ("ventilator", hosts.ventilator_at) if role == "worker" else ("sink", hosts.sink_at)
    kept = [each for each in command[role] if each != mine and not str(each).startswith("--keys")]
    done = jobs.call(*kept, f"--{at}=tcp://192.0.2.1:{hosts.base}")
    assert done.returncode == 2
    assert re.fullmatch(rf"fetcher: endpoints\.{at} = .*keys\.dir.*--insecure.*\n", done.stderr)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 3)
    secret = hosts.keys / "workers" / "a" / "a.key_secret"
    secret.chmod(0o644)
    done = jobs.call(*hosts.worker("a"))
    assert done.returncode == 2
    assert done.stderr == f"fetcher: {secret}: mode 0644 lets others read it; run chmod 600 on it\n"


def test_keys_are_made_once_and_described(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    made = jobs.call("keys", "init", directory, "a")
    assert made.returncode == 0
    assert f"{directory}/workers/NAME" in made.stdout
    added = jobs.call("keys", "add-worker", directory, "b")
    assert added.returncode == 0
    assert "allowed" in added.stdout
    again = jobs.call("keys", "add-worker", directory, "a")
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "never overwritten" in again.stderr
