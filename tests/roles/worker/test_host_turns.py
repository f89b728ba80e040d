"""Wants, releases and grants of hosts, as messages."""

from __future__ import annotations

import time

import pytest

from fetcher.fetch.interface import OneStep
from fetcher.input.formats import TEXT
from fetcher.input.source_info import SourceInfo
from fetcher.model import Outcome, Result, Task
from fetcher.politeness.host_numbers import number_of
from fetcher.politeness.host_state import Report
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import LinePool
from fetcher.roles.worker.lines import Line
from fetcher.settings.schema import Settings
from support.recording import RecordingSocket

A, B = number_of("a.test"), number_of("b.test")


class Fetcher(OneStep):
    def fetch(self, task: Task) -> Result:
        return Result(task.line, task.url, Outcome.OK)


class Hosts:
    """The turns of a worker with a line for each of two hosts; no step begins."""

    def __init__(self) -> None:
        self.events = RecordingSocket()
        self.pool = LinePool(Settings(), Fetcher(), "w", self._done, lambda: False)
        self.turns = HostTurns("w", self.pool, self.events)
        assignment = messages.Assignment("j", 1, 0, b"\x03", 1, b"\x03", TEXT)
        buffer = LeaseBuffer(assignment, b"http://a.test/\nhttp://b.test/", "w", 0)
        self.pool.admit(buffer, list(buffer.tasks()))

    def _done(self, line: Line, result: Result) -> None:
        raise AssertionError("no step may begin")

    def begun(self) -> dict[str, Line]:
        """Those of its lines that have their host's turn from now on, by host."""
        lines = iter(lambda: self.pool.gate.take(time.monotonic()), None)
        return {line.host: line for line in lines if line is not None}

    def want(self, *, again: bool = False) -> list[messages.AnyMessage]:
        self.turns.want(again=again)
        return self.events.taken()


def test_hosts_are_wanted_once_and_again_where_there_is_no_answer() -> None:
    hosts = Hosts()
    assert hosts.want() == [messages.Want("w", 1, [A, B])]
    assert hosts.want() == []
    hosts.turns.grant(messages.Grant("w", [A], [1]))
    assert hosts.want(again=True) == [messages.Want("w", 3, [B])]
    assert len(hosts.turns) == 1


@pytest.mark.parametrize("kind", [messages.Grant, messages.Recall])
def test_a_host_that_is_not_known_here_is_given_back_at_once(
    kind: type[messages.Grant | messages.Recall],
) -> None:
    hosts = Hosts()
    hosts.want()
    hear = hosts.turns.grant if kind is messages.Grant else hosts.turns.recall
    hear(kind("w", [7], [1]))  # type: ignore[arg-type]
    assert hosts.events.taken() == [messages.Release("w", [7], [1], [0.0])]
    assert len(hosts.turns) == 0


def test_a_late_grant_of_before_the_grant_of_all_hosts_is_given_back() -> None:
    hosts = Hosts()
    hosts.want()
    hosts.turns.grant_all(9)
    for line in hosts.begun().values():
        hosts.pool.gate.done(line.host, 1.0, Report(), line)
    hosts.turns.recall_all(9)
    hosts.events.taken()
    hosts.turns.grant(messages.Grant("w", [A, B], [1, 1]))
    (released,) = hosts.events.taken()
    assert isinstance(released, messages.Release)
    assert (released.hosts, released.tickets) == ([A, B], [1, 1])


def test_a_host_that_was_released_and_is_wanted_again_is_still_known() -> None:
    hosts = Hosts()
    hosts.want()
    hosts.turns.grant(messages.Grant("w", [A, B], [1, 1]))
    line = hosts.begun()["a.test"]
    later = time.monotonic() + 100
    hosts.pool.gate.arrive("a.test", line, later)
    hosts.turns.recall(messages.Recall("w", [A], [1]))
    hosts.pool.gate.done(line.host, later, Report(), line)
    hosts.pool.take_turns()
    released, wanted = hosts.want(again=True)
    assert isinstance(released, messages.Release)
    assert wanted == messages.Want("w", 2, [A])
    hosts.turns.grant(messages.Grant("w", [A], [2]))
    assert hosts.events.taken() == []


def test_wants_of_very_many_hosts_are_several_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(messages, "MAX_HOSTS", 1)
    assert hosts.want() == [messages.Want("w", 1, [A]), messages.Want("w", 1, [B])]


def test_a_recalled_host_is_released_with_its_ticket_once_its_line_is_done() -> None:
    hosts = Hosts()
    hosts.want()
    hosts.turns.grant(messages.Grant("w", [A, B], [1, 1]))
    line = hosts.begun()["a.test"]
    hosts.turns.recall(messages.Recall("w", [A], [1]))
    hosts.turns._release()
    assert hosts.events.taken() == [], "its line has the turn"
    hosts.pool.gate.done(line.host, 1.0, Report(), line)
    hosts.turns._release()
    (release,) = hosts.events.taken()
    assert isinstance(release, messages.Release)
    assert (release.worker, release.hosts, release.tickets) == ("w", [A], [1])


def state(number: int, phase: messages.Phase = "running") -> messages.State:
    return messages.State("j", phase, Totals(), SourceInfo(), 0, 1, 0, number)


def owning() -> Hosts:
    """A worker that owns A, by the grant of ventilator 5, and wants B."""
    hosts = Hosts()
    hosts.want()
    hosts.turns.hear_state(state(5))
    hosts.turns.grant(messages.Grant("w", [A], [1]))
    return hosts


def test_a_new_ventilator_hears_which_hosts_are_owned() -> None:
    hosts = owning()
    assert hosts.events.taken() == [], "the first one granted them itself"
    hosts.turns.hear_state(state(5))
    assert hosts.events.taken() == []
    hosts.turns.hear_state(state(6))
    owned, wanted = hosts.events.taken()
    assert isinstance(owned, messages.Owned)
    assert (owned.hosts, owned.tickets, owned.answers) == ([A], [1], 0)
    assert wanted == messages.Want("w", 2, [B])


def test_it_hears_it_when_its_job_is_open_as_it_forgets_what_it_heard_before() -> None:
    hosts = owning()
    hosts.turns.hear_state(state(6, "starting"))
    assert hosts.events.taken() == []
    hosts.turns.hear_state(state(6))
    assert [type(each) for each in hosts.events.taken()] == [messages.Owned, messages.Want]


def test_it_hears_it_with_a_later_state_where_it_was_not_connected() -> None:
    hosts = owning()
    hosts.events.is_full = True
    hosts.turns.hear_state(state(6))
    hosts.events.is_full = False
    hosts.turns.hear_state(state(6))
    assert [type(each) for each in hosts.events.taken()] == [messages.Owned, messages.Want]
    hosts.turns.hear_state(state(6))
    assert hosts.events.taken() == []


def test_the_recall_of_all_hosts_is_answered_with_those_that_are_kept() -> None:
    hosts = Hosts()
    hosts.want()
    hosts.turns.grant_all(9)
    assert len(hosts.turns) == 2
    hosts.turns.recall_all(9)
    (owned,) = hosts.events.taken()
    assert isinstance(owned, messages.Owned)
    assert owned.answers == 9


def test_a_worker_that_was_silent_for_long_gives_up_all_hosts() -> None:
    hosts = Hosts()
    hosts.want()
    hosts.turns.grant(messages.Grant("w", [A, B], [1, 1]))
    hosts.turns.disown()
    assert len(hosts.turns) == 0
