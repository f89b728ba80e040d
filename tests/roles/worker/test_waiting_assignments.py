"""Assignments that a busy worker cannot begin: a real worker, between the test's sockets."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from fetcher import bitset
from fetcher.engines.private import private_directory
from fetcher.engines.supervisor import PATCHED
from fetcher.input.formats import TEXT
from fetcher.input.source_info import SourceInfo
from fetcher.leases.types import first_lease
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.roles.spec import CHILD_DONE, RoleSpec
from fetcher.settings.schema import Settings
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send
from support import jobs

NUMBER = 7  # of the ventilator that we are
FIRST = first_lease(NUMBER)
LINES = 4


class Peers:
    """The ventilator's and the sink's ends of one worker."""

    def __init__(self, directory: Path, go: Path) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        worker = {"transport": jobs.SLOW, "pool_size": 2, "grace_s": 2.0}
        lease = {"tail_after_s": 1.0}
        settings = {"worker": worker, "lease": lease, "polite": {"enabled": False}}
        loaded = msgspec.convert(settings, Settings)
        spec = RoleSpec(
            role="worker",
            name="w",
            settings=loaded,
            ventilator=f"ipc://{directory}/v",
            sinks=(f"ipc://{directory}/s",),
        )
        (directory / "w.json").write_bytes(msgspec.json.encode(spec))
        at = endpoints_of(spec.ventilator, spec.sinks)

        def opened(kind: int, channel: Channel, address: str) -> Any:
            return open_socket(self._context, kind, channel, address, bind=True)

        self.tasks = opened(zmq.PUSH, Channel.TASKS, at.tasks)
        self._events = opened(zmq.PULL, Channel.EVENTS, at.events)
        self._control = opened(zmq.PUB, Channel.CONTROL, at.control)
        self._results = opened(zmq.PULL, Channel.RESULTS, at.sinks[0].results)
        self._go = go
        self.process = subprocess.Popen(
            [sys.executable, "-m", PATCHED, str(directory / "w.json")],
            stdin=subprocess.PIPE,
            env=jobs.ENV,
        )
        self.hear(messages.Heartbeat)

    def hand_out(self, number: int, first: int = FIRST) -> None:
        """A batch whose lines end when `go` is there."""
        mask = bitset.pack((1 << LINES) - 1)
        lines = range(number * LINES + 1, (number + 1) * LINES + 1)
        urls = "\n".join(f"http://test.invalid/{n}?file={self._go}" for n in lines)
        tasks = messages.Assignment("j", first + number, number, mask, lines[0], mask, TEXT)
        for _ in range(20):
            if send(self.tasks, tasks, urls.encode()):
                return
            self.tasks.poll(1000, zmq.POLLOUT)
        raise AssertionError("the worker takes no batch")

    def tell(self, *, ventilator_number: int = NUMBER, is_hungry: bool = False) -> None:
        state = messages.State("j", "running", Totals(), SourceInfo(), 0, 1, 0, ventilator_number)
        send(self._control, msgspec.structs.replace(state, is_hungry=is_hungry))

    def tell_unneeded(self, lease: int, mask: int) -> None:
        send(self._control, messages.Unneeded(lease, bitset.pack(mask)))

    def rows(self, count: int) -> list[int]:
        """The lines of the next rows."""
        lines: list[int] = []
        until = time.monotonic() + 60
        while len(lines) < count and time.monotonic() < until:
            self._results.poll(100)
            while received := receive(self._results):
                assert isinstance(received[0], messages.ChunkHeader)
                lines += received[0].lines
        return lines

    def settle(self) -> None:
        """Until it has surely heard what it was told: the second heartbeat is of after that."""
        self.hear(messages.Heartbeat)
        self.hear(messages.Heartbeat)

    def hear(self, *kinds: type) -> Any:
        """The next event of these kinds; of others there may be any before it."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self._events.poll(100)
            while received := receive(self._events):
                if isinstance(received[0], kinds):
                    return received[0]
        raise AssertionError(f"nothing came of {kinds}")

    def leases(self, count: int) -> list[tuple[str, int]]:
        """So many claims and returns, in the order in which they came."""
        heard = [self.hear(messages.Claim, messages.Returned) for _ in range(count)]
        return [(type(each).__name__, each.lease) for each in heard]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self._context.destroy(linger=0)


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Peers]:
    """A worker that has begun batches 0 and 1, keeps 2 and 3 waiting, and has returned 4."""
    with (
        private_directory() as directory,
        contextlib.closing(Peers(directory, tmp_path / "go")) as made,
    ):
        made.tell()
        for number in (0, 1):
            made.hand_out(number)
            assert made.leases(1) == [("Claim", FIRST + number)]
        for number in (2, 3, 4):
            made.hand_out(number)
        assert made.leases(1) == [("Returned", FIRST + 4)]
        yield made


def test_what_waits_is_begun_in_its_order_as_soon_as_there_is_room(
    peers: Peers, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    assert peers.leases(2) == [("Claim", FIRST + 2), ("Claim", FIRST + 3)]


def test_no_batch_waits_here_while_another_worker_is_idle(peers: Peers, tmp_path: Path) -> None:
    peers.tell(is_hungry=True)
    returned = [peers.hear(messages.Returned) for _ in range(3)]
    # Of the batches that are begun, half of what waits for the pool is returned as well.
    assert [(each.lease - FIRST, each.mask) for each in returned] == [
        (3, b""),
        (2, b""),
        (1, bitset.pack(0b1110)),
    ]
    peers.hand_out(5)
    assert peers.leases(1) == [("Returned", FIRST + 5)]
    peers.tell()
    peers.settle()
    peers.hand_out(6)
    (tmp_path / "go").touch()
    assert peers.leases(1) == [("Claim", FIRST + 6)]


def test_a_heartbeat_says_what_waits_and_what_is_slow_in_flight(peers: Peers) -> None:
    beats = (peers.hear(messages.Heartbeat) for _ in range(100))
    # The lines in the two slots began one after the other; what is queued is not slow.
    beat = next(each for each in beats if each.slow == {FIRST: bitset.pack(0b11)})
    assert beat.held == [FIRST, FIRST + 1]
    assert beat.longest_s[0] >= 1 > beat.longest_s[1] == 0
    assert beat.waiting == [FIRST + 2, FIRST + 3]
    assert not beat.is_hungry
    assert not beat.parked


def test_lines_that_are_committed_elsewhere_are_not_begun(peers: Peers, tmp_path: Path) -> None:
    peers.tell_unneeded(FIRST + 1, 0b0111)
    peers.tell_unneeded(FIRST + 2, 0b1111)
    peers.settle()
    (tmp_path / "go").touch()
    assert peers.leases(2) == [("Claim", FIRST + 2), ("Claim", FIRST + 3)]
    rows = peers.rows(LINES * 4 - 7)
    assert sorted(rows) == [1, 2, 3, 4, 8, 13, 14, 15, 16]


def test_what_a_ventilator_left_behind_is_returned_to_its_successor(
    peers: Peers, tmp_path: Path
) -> None:
    other = first_lease(NUMBER + 1)
    peers.tell(ventilator_number=NUMBER + 1)
    assert peers.leases(2) == [("Returned", FIRST + 2), ("Returned", FIRST + 3)]
    peers.hand_out(2, other)
    peers.tell(ventilator_number=NUMBER + 1)
    peers.settle()
    (tmp_path / "go").touch()
    assert peers.leases(1) == [("Claim", other + 2)]


def test_a_leaving_worker_returns_batches_that_wait_and_that_still_come(peers: Peers) -> None:
    peers.process.send_signal(signal.SIGTERM)
    assert peers.leases(2) == [("Returned", FIRST + 3), ("Returned", FIRST + 2)]
    peers.hand_out(5)
    assert peers.leases(1) == [("Returned", FIRST + 5)]
    assert peers.hear(messages.Bye) == messages.Bye(worker="w")
    assert peers.process.wait(60) == CHILD_DONE
