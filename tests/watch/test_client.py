"""A watcher asks a ventilator, and changes nothing of its job."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from msgspec.structs import replace

from fetcher.errors import UnreachedError, UsageError
from fetcher.protocol import messages
from fetcher.store.lock import DirectoryLock
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send
from fetcher.watch.client import Near, Watcher, look, near, near_look
from support.messages import EXAMPLES

STATE: Any = EXAMPLES["state"][0]
ROSTER: Any = EXAMPLES["roster"][0]


class Ventilator(threading.Thread):
    """Answers each `Look` with the next of its looks, and then with the last one."""

    def __init__(self, endpoint: str, *looks: tuple[messages.State, messages.Roster]) -> None:
        super().__init__(daemon=True)
        self.heard: list[Any] = []
        self._looks = list(looks)
        self._ends = threading.Event()
        self._context = zmq.Context()
        at = endpoints_of(endpoint, ())
        self._control = open_socket(self._context, zmq.PUB, Channel.CONTROL, at.control, bind=True)
        self._events = open_socket(self._context, zmq.PULL, Channel.EVENTS, at.events, bind=True)

    def run(self) -> None:
        while not self._ends.is_set():
            self._events.poll(20)
            while received := receive(self._events):
                self.heard.append(received[0])
                state, roster = self._looks[0]
                if len(self._looks) > 1:
                    del self._looks[0]
                send(self._control, state)
                send(self._control, roster)

    def end(self) -> None:
        self._ends.set()
        self.join(60)
        self._context.destroy(linger=0)


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/v"


@pytest.fixture
def ventilator(endpoint: str) -> Iterator[Ventilator]:
    parked = replace(ROSTER, workers=[messages.Member("w", 0, 4, 2, 1, 7, 2, 9, 2.5)])
    waits = replace(parked, samples=messages.Samples([], []))
    made = Ventilator(endpoint, (STATE, waits), (STATE, parked))
    made.start()
    yield made
    made.end()


def test_a_look_is_the_newest_state_and_roster(ventilator: Ventilator, endpoint: str) -> None:
    with Watcher(endpoint, "") as watcher:
        job = watcher.look(60)
        again = watcher.look(60)
    assert (job.rows, job.parked, job.leases) == (STATE.totals.rows, 7, 2)
    assert again.hosts
    assert set(map(type, ventilator.heard)) == {messages.Look}


def test_where_lines_are_parked_the_hosts_are_waited_for(
    ventilator: Ventilator, endpoint: str
) -> None:
    assert look(endpoint, 60, "").hosts


def test_a_ventilator_that_does_not_answer_is_one_line(endpoint: str) -> None:
    with pytest.raises(
        UnreachedError, match=rf"^no ventilator answers at {endpoint} within 0\.1 s"
    ):
        look(endpoint, 0.1, "")


def test_keys_that_cannot_be_used_are_refused(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Watcher(endpoint, str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("note", "found"),
    [("ipc:///run/v", Near("ipc:///run/v")), ("tcp://10.0.0.1:1", None), ("", None)],
)
def test_the_ventilator_of_an_out_is_named_by_the_lock_and_on_this_host(
    tmp_path: Path, note: str, found: Near | None
) -> None:
    assert near(tmp_path) is None
    with DirectoryLock(tmp_path, note=note):
        assert near(tmp_path) == found
    assert near(tmp_path) is None, "the lock is free again"


def test_a_near_look_is_none_where_no_ventilator_is_named(tmp_path: Path) -> None:
    assert near_look(tmp_path) is None


def test_a_near_look_asks_the_ventilator_of_the_lock(
    ventilator: Ventilator, endpoint: str, tmp_path: Path
) -> None:
    with DirectoryLock(tmp_path, note=endpoint):
        job = near_look(tmp_path)
    assert job is not None and job.leases == 2
