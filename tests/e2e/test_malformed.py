"""Running roles drop and count malformed messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import zmq

from fetcher.protocol import codec
from support import jobs
from support.hosts import Hosts
from support.waiting import wait_until
from tools.fuzz.mutate import Mutator

OVERSIZED = b"\x81" * (codec.MAX_HEADER_BYTES + 1)


@contextlib.contextmanager
def peer(kind: int, address: str, *, bind: bool = False) -> Iterator[zmq.Socket[bytes]]:
    """A socket of an accepted peer that sends malformed messages."""
    with zmq.Context() as context, context.socket(kind) as socket:
        socket.linger = 2_000
        socket.sndhwm = 100
        (socket.bind if bind else socket.connect)(address)
        yield socket


def babble(address: str, seed: int, count: int) -> None:
    """`count` malformed messages to the PULL socket there, and one that is too large."""
    with peer(zmq.PUSH, address) as socket:
        for frames in Mutator(seed).inputs(count):
            assert socket.poll(60_000, zmq.POLLOUT), "the role takes nothing any more"
            socket.send_multipart(frames)
    with peer(zmq.PUSH, address) as socket:
        socket.send(OVERSIZED)


def pester(address: str, seed: int, count: int) -> None:
    """`count` malformed requests to the REP socket there; each is answered."""
    with peer(zmq.REQ, address) as socket:
        for frames in Mutator(seed).inputs(count):
            socket.send_multipart(frames)
            assert socket.poll(60_000), "no answer"
            socket.recv_multipart()


def ends(frame: bytes) -> bool:
    """Whether it may be what a ventilator ends a worker with: its job is over, or logs in."""
    return b"finish" in frame or b"logs_in" in frame


def dropped(error: str) -> int:
    """How much the role says that it dropped."""
    return max(map(int, re.findall(r"dropped .* \((\d+) dropped so far\)", error)), default=0)


def test_roles_outlive_malformed_and_oversized_messages(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1200, ms=20)
    tasks, events, control, results, commits = (
        f"tcp://127.0.0.1:{hosts.ventilator_port + index}" for index in range(5)
    )
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(jobs.running(*hosts.sink))
        worker = stack.enter_context(jobs.running(*hosts.worker))
        # To the worker speaks who is where its ventilator will be.
        with peer(zmq.PUSH, tasks, bind=True) as bad, peer(zmq.PUB, control, bind=True) as tells:
            for frames in Mutator(1).inputs(600):
                assert bad.poll(60_000, zmq.POLLOUT), "the worker takes nothing any more"
                bad.send_multipart([frame for frame in frames if not ends(frame)] or [b""])
                tells.send_multipart([b"\x81" + frames[0]])
        ventilator = stack.enter_context(jobs.running(*hosts.ventilator))
        wait_until(lambda: jobs.committed(hosts.out) > 0, what="rows")
        babble(events, 2, 1_500)
        babble(results, 3, 1_500)
        pester(commits, 4, 150)
        assert jobs.committed(hosts.out) < 1200, "the job was over before they had spoken"
        errors = []
        for job in (ventilator, sink, worker):
            code, _, error = job.wait(60)
            assert code == 0, error
            assert "Traceback" not in error
            errors.append(error)
    assert dropped(errors[0]) > 500
    assert dropped(errors[1]) > 500
    assert dropped(errors[2]) > 0
    jobs.prove(hosts.out, hosts.urls)
