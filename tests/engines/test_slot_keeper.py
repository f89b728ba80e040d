"""A keeper places slots as its plan says, and gives a job up that nobody joins."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from fetcher.engines import slot_keeper
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.engines.slot_keeper import SlotKeeper
from fetcher.engines.slot_queues import SlotQueue
from fetcher.errors import UsageError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Routes, State
from fetcher.protocol.totals import Totals
from fetcher.settings.schema import Settings

SETTINGS = msgspec.convert(
    {"engine": {"name": "command", "connect_s": 100.0, "start_s": 60.0}}, Settings
)
FOUR = (SlotQueue("fetcher", 4),)


class Recording(Engine):
    """Records what is placed; `error` says why it cannot be reached.

    It starts when `wait_for` is set.
    """

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        self.placed: list[int] = []
        self.queues: list[str] = []  # of the slots that were placed last
        self.error = ""
        self.ended: list[Mapping[str, Any]] = []
        self.ends = 0
        self.wait_for: threading.Event | None = None

    def start(self) -> None:
        if self.wait_for is not None:
            self.wait_for.wait()

    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        assert secrets == "secret"
        if self.error:
            raise EngineError(self.error)
        self.placed.append(len(tickets))
        self.queues = [ticket["queue"] for ticket in tickets]

    def count(self) -> SlotCount | None:
        return SlotCount(3, 0)

    def results(self) -> Sequence[Mapping[str, Any]]:
        return self.ended

    def end(self) -> None:
        self.ends += 1
        if self.error:
            raise EngineError(self.error)


class Numbered:
    """See engines.slot_keeper.Tickets."""

    def make(self, job: str, queue: SlotQueue, count: int) -> list[Mapping[str, Any]]:
        assert job == "job"
        return [{"number": number, "queue": queue.name} for number in range(count)]


class Kept:
    """A keeper of the slots of these queues."""

    def __init__(self, *queues: SlotQueue) -> None:
        self.engine, self.said = Recording(), list[str]()
        self.keeper = SlotKeeper(
            *(self.engine, queues or FOUR, Numbered(), "secret", "tcp://h:1"),
            self.said.append,
        )
        self.hear(0.0)

    def hear(
        self, now: float, workers: int = 0, joined: int = 0, routes: Routes | UnsetType = UNSET
    ) -> None:
        state = State("job", "running", Totals(), SourceInfo(), 0, workers, 0, 1, joined=joined)
        self.keeper.hear(replace(state, routes=routes), now)

    def turn(self, *times: float) -> None:
        """Turns at these times; calls of the engine end between them."""
        for now in times:
            self.keeper.turn(now)
            assert self.keeper._caller.wait(30)


def test_missing_slots_are_placed_once() -> None:
    kept = Kept()
    kept.turn(0.0, 0.1, 0.2)
    assert kept.engine.placed == [4]
    kept.hear(1.0, workers=3, joined=4)
    kept.turn(1.0, 1.1)
    assert kept.engine.placed == [4, 1]


def test_each_queue_gets_the_slots_that_its_routes_lack() -> None:
    kept = Kept(SlotQueue("fetcher", 2, ("default",)), SlotQueue("eu", 3, ("eu",)))
    kept.hear(0.0, routes=Routes(["default", "eu"], workers=[0, 0], joined=[0, 0]))
    kept.turn(0.0, 0.1)
    assert Counter(kept.engine.queues) == {"fetcher": 2, "eu": 3}
    kept.hear(1.0, 5, 5, Routes(["default", "eu"], workers=[2, 2], joined=[2, 3]))
    kept.turn(1.0, 1.1)
    assert kept.engine.placed == [5, 1]
    assert kept.engine.queues == ["eu"]


def test_one_call_places_no_more_slots_than_an_engine_takes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slot_keeper, "_ONCE", 3)
    kept = Kept(SlotQueue("fetcher", 2, ("default",)), SlotQueue("eu", 3, ("eu",)))
    kept.hear(0.0, routes=Routes(["default", "eu"], workers=[0, 0], joined=[0, 0]))
    kept.turn(0.0)
    assert kept.engine.queues == ["fetcher", "fetcher", "eu"]
    kept.turn(0.1)
    assert kept.engine.queues == ["eu", "eu"]


def test_a_queue_that_nobody_serves_does_not_give_up_a_job_that_has_a_worker() -> None:
    kept = Kept(SlotQueue("fetcher", 1, ("default",)), SlotQueue("eu", 1, ("eu",)))
    kept.hear(0.0, routes=Routes(["default", "eu"], workers=[0, 0], joined=[0, 0]))
    kept.turn(0.0)
    kept.hear(1.0, 1, 1, Routes(["default", "eu"], workers=[1, 0], joined=[1, 0]))
    kept.turn(0.1, 60.2, 60.3, 120.4)
    assert kept.engine.placed == [2, 1, 1]
    assert kept.engine.queues == ["eu"], "its slots have expired, and are placed again"


def test_an_engine_that_fails_is_asked_again_ever_less_often_and_named_once() -> None:
    kept = Kept()
    kept.engine.error = "no broker"
    kept.turn(0.0)
    tried = []
    for now in range(1, 60):
        before = kept.keeper._began_at, kept.keeper._next_at
        kept.turn(float(now))
        if before[1] <= now and kept.keeper._placing:
            tried.append(now)
    assert kept.said == ["fetcher: command: no broker"]
    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert pauses == sorted(pauses)
    assert len(tried) < 8


def test_a_job_that_no_worker_joins_is_given_up_with_what_is_known() -> None:
    kept = Kept()
    kept.turn(0.0, 0.1, 100.0)
    with pytest.raises(UsageError) as caught:
        kept.keeper.turn(100.1)
    said = str(caught.value)
    assert "no worker has connected within 100 s (engine.connect_s)" in said
    assert "with 3 slots waiting for a place: see whether command has room" in said


def test_the_queues_of_a_job_that_no_worker_joins_are_named() -> None:
    """They may not be those that the engine's workers serve."""
    kept = Kept(SlotQueue("fetcher", 1, ("default",)), SlotQueue("eu", 2, ("eu",)))
    kept.engine.has_queues = True
    kept.hear(0.0, routes=Routes(["default", "eu"], [], ["default"], [0, 0], [0, 0]))
    kept.turn(0.0, 50.0, 50.1)
    with pytest.raises(UsageError, match=r"3 slots waiting in the queue eu for a place"):
        kept.keeper.turn(100.1)


def test_a_queue_is_named_whose_slots_were_placed_just_before_the_job_is_given_up() -> None:
    kept, is_late = Kept(), threading.Event()
    kept.engine.has_queues, kept.engine.wait_for = True, is_late
    kept.keeper.turn(0.0)
    is_late.set()
    assert "3 slots waiting in the queue fetcher for" in kept.keeper._unreached()


def test_an_engine_that_ran_no_slot_is_named_with_its_last_error() -> None:
    kept = Kept()
    kept.engine.error = "no broker"
    kept.turn(0.0)
    with pytest.raises(UsageError, match=r"command ran no slot within 100 s .*: no broker$"):
        kept.turn(0.1, 100.1)


def test_the_error_of_a_call_that_ends_late_is_named() -> None:
    kept, is_late = Kept(), threading.Event()
    kept.engine.wait_for = is_late
    kept.engine.error = "no broker"
    kept.keeper.turn(0.0)
    is_late.set()
    assert kept.keeper._caller.wait(30)
    assert "command ran no slot within 100 s" in kept.keeper._unreached()
    assert kept.keeper._unreached().endswith(": no broker")


def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its slots were never placed, so no port is to blame."""
    monkeypatch.setattr(slot_keeper, "_END_S", 0.1)
    kept, is_over = Kept(), threading.Event()
    kept.engine.wait_for = is_over
    kept.keeper.turn(0.0)
    with pytest.raises(UsageError, match=r"^command has not answered within 100 s .*connect_s"):
        kept.keeper.turn(100.1)
    is_over.set()


def test_a_job_with_a_worker_is_not_given_up() -> None:
    kept = Kept()
    kept.turn(0.0)
    kept.hear(1.0, workers=1, joined=1)
    kept.turn(200.0, 300.0)


def test_the_error_of_a_slot_is_said_once() -> None:
    kept = Kept()
    kept.engine.ended = [{"ended": "drained"}, {"error": "no key"}, {"error": "no key"}]
    kept.turn(0.0, 3.0, 6.0, 9.0)
    assert kept.said == ["fetcher: command: a slot ended: no key"]


def test_a_notice_of_the_engine_is_said_as_it_is() -> None:
    kept = Kept()
    kept.engine.ended = [{"notice": "2 of 4 slots wait"}]
    kept.turn(0.0, 3.0, 6.0, 9.0)
    assert kept.said == ["fetcher: command: 2 of 4 slots wait"]


def test_slots_are_taken_back_at_the_end_if_any_was_placed() -> None:
    kept = Kept()
    kept.keeper.end()
    assert kept.engine.ends == 0
    kept.turn(0.0)
    kept.engine.error = "no broker"
    kept.keeper.end()
    assert kept.engine.ends == 1
    assert kept.said == ["fetcher: command: no broker"]


def test_tickets_are_made_when_the_engine_has_started() -> None:
    """So the time of its start does not count against them."""
    kept, order = Kept(), list[str]()
    kept.engine.start = lambda: order.append("start")  # type: ignore[method-assign]
    make = kept.keeper._tickets.make

    def recorded(job: str, queue: SlotQueue, count: int) -> list[Mapping[str, Any]]:
        order.append("tickets")
        return make(job, queue, count)

    kept.keeper._tickets.make = recorded  # type: ignore[method-assign]
    kept.turn(0.0)
    assert order == ["start", "tickets"]
