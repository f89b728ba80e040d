"""What a supervisor does about the ends of its children, without processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from fetcher.engines.children import Child
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.supervisor import PATCHED, Supervisor, Verdict
from fetcher.errors import Exit, FetcherError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.roles.spec import CHILD_DONE, RoleSpec
from fetcher.settings.schema import Settings
from fetcher.transport.endpoints import endpoints_of
from support.recording import RecordingSocket


class Screen:
    """See engines.supervisor.Display."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[messages.State] = []

    def update(self, state: messages.State) -> None:
        self.states.append(state)

    def say(self, line: str) -> None:
        self.lines.append(line)


class Scripted(Child):
    """A child whose process ends as the test says."""

    def __init__(self, spec: RoleSpec, directory: Path) -> None:
        super().__init__(spec, PATCHED, directory)
        self.code: int | None = None
        self.was_ready = True
        self.signals: list[signal.Signals] = []

    @property
    def is_ready(self) -> bool:
        return self.was_ready

    @property
    def alive(self) -> bool:
        return False

    def ended(self, now: float, rows: int) -> int | None:
        code, self.code = self.code, None
        if code is not None:
            self.deaths.pause_s(code, 0.5, rows)
        return code

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)


class Roles:
    """A supervisor of a sink, a ventilator and two workers."""

    def __init__(self, directory: Path, *, standing: bool = False, ends_with: str = "sink") -> None:
        self.screen, self.interrupts = Screen(), Interrupts()
        endpoints = endpoints_of(f"ipc://{directory}/v", [f"ipc://{directory}/s"])
        self.supervisor = Supervisor(
            *(directory, endpoints, self.screen, self.interrupts),
            grace_s=1.0,
            ends_with=ends_with,
            standing=standing,
        )
        self.events = RecordingSocket()
        self._real_events = self.supervisor._events
        self.supervisor._events = cast(Any, self.events)
        for role, name in (
            ("sink", "sink"),
            ("ventilator", "ventilator"),
            ("worker", "worker1"),
            ("worker", "worker2"),
        ):
            spec = RoleSpec(role=role, name=name, settings=Settings(), ventilator="", sinks=("",))
            self.supervisor.add(spec)
            self.supervisor._children[-1] = Scripted(spec, directory)

    def child(self, name: str) -> Scripted:
        found = next(each for each in self.supervisor._children if each.spec.name == name)
        return cast(Scripted, found)

    def end(self, name: str, code: int, now: float = 100.0, *, ready: bool = True) -> Scripted:
        child = self.child(name)
        child.code, child.was_ready = code, ready
        self.supervisor._handle_end(child, now)
        return child

    def hear(self, phase: messages.Phase, job: str = "job", rows: int = 0) -> None:
        state = messages.State(job, phase, Totals(rows), SourceInfo(), 0, 1, 0, 1)
        self.supervisor._note_state(state)

    def close(self) -> None:
        self._real_events.close(0)
        self.supervisor._context.destroy(linger=0)


@pytest.fixture
def roles(tmp_path: Path) -> Iterator[Roles]:
    made = Roles(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("code", [Exit.USAGE, Exit.CONFLICT, Exit.DAMAGED])
@pytest.mark.parametrize("name", ["sink", "ventilator", "worker1"])
def test_some_exit_codes_of_any_role_end_the_run(roles: Roles, name: str, code: Exit) -> None:
    with pytest.raises(Verdict) as caught:
        roles.end(name, code)
    assert (caught.value.exit_code, str(caught.value)) == (code, "")
    assert roles.screen.lines == [], "the role has said why"


def test_a_worker_that_dies_is_reported_to_the_ventilator_and_starts_again(roles: Roles) -> None:
    child = roles.end("worker1", -signal.SIGKILL)
    assert roles.events.sent == [messages.Gone("worker1")]
    assert roles.screen.lines == ["fetcher: worker1 ended (signal 9); starting it again"]
    assert not child.finished


@pytest.mark.parametrize("name", ["sink", "ventilator"])
def test_another_role_that_dies_starts_again(roles: Roles, name: str) -> None:
    roles.end(name, 1)
    assert roles.screen.lines == [f"fetcher: {name} ended (exit code 1); starting it again"]
    assert roles.events.sent == []


def test_a_full_disk_of_the_sink_ends_the_run(roles: Roles) -> None:
    with pytest.raises(Verdict) as caught:
        roles.end("sink", Exit.STOPPED)
    assert caught.value.exit_code == Exit.STOPPED


def test_a_ventilator_that_cannot_go_on_stops_the_roles_in_order(roles: Roles) -> None:
    with pytest.raises(Verdict) as caught:
        roles.end("ventilator", Exit.STOPPED)
    assert caught.value.exit_code == Exit.STOPPED
    asked = {each.spec.name: cast(Scripted, each).signals for each in roles.supervisor._children}
    assert all(signals == [signal.SIGTERM] for signals in asked.values())


def test_a_worker_that_stops_is_replaced(roles: Roles) -> None:
    roles.end("worker1", Exit.STOPPED)
    assert roles.screen.lines == ["fetcher: worker1 ended (exit code 3); starting it again"]


def test_a_role_that_has_done_its_part_waits_for_the_sink(roles: Roles) -> None:
    worker = roles.end("worker1", CHILD_DONE)
    assert (worker.finished, worker.start_at) == (False, 105.0)
    assert roles.end("sink", CHILD_DONE).finished
    assert roles.screen.lines == []


def test_a_code_of_0_proves_nothing(roles: Roles) -> None:
    roles.end("sink", 0)
    assert not roles.child("sink").finished
    assert roles.screen.lines == ["fetcher: sink ended (exit code 0); starting it again"]


def test_standing_workers_start_again_for_the_next_job(tmp_path: Path) -> None:
    roles = Roles(tmp_path, standing=True, ends_with="worker")
    roles.hear("finish", "one")
    child = roles.end("worker1", CHILD_DONE)
    assert (child.finished, child.over, child.start_at) == (False, "one", 100.0)
    roles.close()


def test_a_role_whose_processes_never_become_ready_is_given_up(roles: Roles) -> None:
    with pytest.raises(FetcherError) as caught:
        for _ in range(10):
            roles.end("ventilator", 1, ready=False)
    assert "ventilator" in str(caught.value)
    assert len(roles.screen.lines) < 10


def test_a_role_that_dies_on_and_on_without_progress_is_given_up(roles: Roles) -> None:
    with pytest.raises(FetcherError, match=r"sink ended \d+ times in a row at its start"):
        for _ in range(200):
            roles.end("sink", 1)


def test_a_successor_of_the_ventilator_is_paused_as_it_was(roles: Roles) -> None:
    child = roles.child("ventilator")
    for phase, is_paused in (
        ("running", False),
        ("paused", True),
        ("starting", True),
        ("stopping", True),
        ("running", False),
    ):
        roles.hear(cast(messages.Phase, phase))
        assert child.spec.is_paused is is_paused, phase


def test_each_state_is_shown_and_a_stop_of_the_page_is_noted(roles: Roles) -> None:
    roles.hear("running", rows=7)
    assert [state.totals.rows for state in roles.screen.states] == [7]
    assert not roles.supervisor._is_to_stop
    roles.hear("stopping")
    assert roles.supervisor._is_to_stop
    roles.hear("running")
    assert roles.supervisor._is_to_stop


def test_alike_lines_of_several_children_are_shown_once(roles: Roles) -> None:
    for name in ("worker1", "worker2"):
        roles.supervisor._say(roles.child(name), "fetcher: http.auth = 'x:y': no module")
    assert roles.screen.lines == ["fetcher: http.auth = 'x:y': no module"]
