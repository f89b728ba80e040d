"""The sink's talk with its ventilator, without sockets, files or clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.bitset import IdSet
from fetcher.commit.committer import BatchState, Committer, Delta, Kept, Recovered
from fetcher.commit.session import LEAVE_S, SESSION_S, CommitJob, CommitSession, JobFacts, JobTerms
from fetcher.errors import ConflictError, Exit, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import bounds, messages
from fetcher.protocol.totals import Totals

COUNTED = SourceInfo(checked_bytes=9, checked_sha256="x", url_lines=0, at_end=True, fraction=1.0)
SUSPECT = messages.Suspect(batch=0, mask=b"\x01", deaths=1)


class Output:
    """A store and a record in memory, on a disk that may be full."""

    def __init__(self) -> None:
        self.is_full = False
        self.written: list[object] = []
        self.slices = 1  # of the last work
        self.counts_without_room = 0

    def _write(self, *what: object) -> None:
        if self.is_full:
            raise NoSpaceError("no room")
        self.written.append(what)

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        self._write("rows")

    def sync(self) -> None:
        pass

    def record(self, delta: Delta) -> None:
        pass

    def note(self, source: SourceInfo | None, suspects: list[messages.Suspect] | None) -> None:
        self._write("note", source, suspects)

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        if self.counts_without_room:
            self.counts_without_room -= 1
            raise NoSpaceError("no room")
        self._write("count", source, share_url_lines)

    def finish(self) -> bool:
        self.slices -= 1
        return self.slices <= 0

    def complete(self) -> None:
        self._write("complete")


def job_on(output: Output, facts: JobFacts | None = None) -> CommitJob:
    committer = Committer(output, Recovered(IdSet(), {}, Totals()), "job", "e")
    return CommitJob(JobTerms("job", 4), facts or JobFacts(), committer, output, "e")


def session_of(output: Output, begin: Callable[[messages.Open], CommitJob] | None = None) -> Any:
    job = job_on(output)
    return CommitSession("OUT", begin or (lambda _: job), None, 0.0)


def opening(session: str) -> messages.Open:
    spec = messages.InputSpec(name="", path="", file_bytes=1, source=SourceInfo())
    return messages.Open(session=session, input=spec, batch_size=4, settings={}, version="")


def poll(session: str, **said: Any) -> messages.Poll:
    return replace(messages.Poll(session=session, epoch="e", version=0, source=COUNTED), **said)


def test_a_poll_before_the_job_is_open_is_answered_with_resync() -> None:
    session = session_of(Output())
    assert session.answer(poll("a"), 0.0) == messages.Resync()
    assert session.answer(messages.Close(session="a"), 0.0) == messages.Resync()


def test_the_job_of_a_living_ventilator_is_not_given_away() -> None:
    session = session_of(Output())
    assert isinstance(session.answer(opening("a"), 0.0), messages.Opened)
    session.answer(poll("a"), 10.0)
    refused = session.answer(opening("b"), 10.0 + SESSION_S - 0.1)
    assert (refused.exit_code, refused.reason) == (
        0,
        "OUT is in use by another ventilator; stop that first",
    )
    assert isinstance(session.answer(opening("b"), 10.0 + SESSION_S), messages.Opened)
    assert session.answer(poll("a"), 20.0).exit_code == Exit.CONFLICT
    assert session.answer(messages.Close(session="a"), 20.0).exit_code == Exit.CONFLICT


def test_another_job_is_refused() -> None:
    def begin(_: messages.Open) -> CommitJob:
        raise ConflictError("another job's")

    refused = session_of(Output(), begin).answer(opening("a"), 0.0)
    assert refused == messages.Refused(reason="another job's", exit_code=Exit.CONFLICT)


def test_a_message_that_is_not_a_request_is_refused() -> None:
    assert session_of(Output()).answer(messages.Resync(), 0.0).exit_code == Exit.BUG


def test_a_job_is_complete_once_its_last_work_is_done_and_recorded() -> None:
    output = Output()
    output.slices = 2
    session = session_of(output)
    session.answer(opening("a"), 0.0)
    assert not session.answer(poll("a", url_lines=0), 0.0).complete
    assert session.is_finishing
    session.commit()
    assert output.written[-1] == ("complete",)
    assert session.answer(poll("a", url_lines=0), 0.0).complete
    assert not session.is_finishing
    assert not session.may_leave(0.0)
    assert session.answer(messages.Close(session="a"), 0.0) == messages.Closed()
    assert session.may_leave(0.0)


def test_a_complete_sink_stays_as_long_as_it_is_asked() -> None:
    """Its ventilator may wait for another sink, and not have opened this one yet."""
    job = job_on(Output(), JobFacts(is_complete=True))
    session = CommitSession("OUT", lambda _: job, job, 0.0)
    session.answer(poll("a"), LEAVE_S)
    assert not session.may_leave(2 * LEAVE_S)
    assert session.may_leave(2 * LEAVE_S + 0.1)


@pytest.mark.parametrize("said", [{"url_lines": 7}, {"suspects": [SUSPECT]}])
def test_what_a_full_disk_has_no_room_for_is_written_with_the_next_poll(
    said: dict[str, Any],
) -> None:
    output = Output()
    session = session_of(output)
    session.answer(opening("a"), 0.0)
    output.is_full, before = True, len(output.written)
    assert session.answer(poll("a", **said), 0.0).stalled == "disk full (no room)"
    output.is_full = False
    assert not session.answer(poll("a", **said), 0.0).stalled
    written = output.written[before:]
    expected = [("note", COUNTED, said.get("suspects")), ("count", COUNTED, said.get("url_lines"))]
    assert written == expected
    assert not session.answer(poll("a", **said), 0.0).stalled
    assert output.written[before:] == expected  # nothing is written twice


def test_the_count_is_written_again_where_only_the_note_before_it_found_room() -> None:
    output = Output()
    session = session_of(output)
    session.answer(opening("a"), 0.0)
    output.counts_without_room = 1
    assert session.answer(poll("a", url_lines=7), 0.0).stalled
    assert not session.answer(poll("a", url_lines=7), 0.0).stalled
    assert output.written[-1] == ("count", COUNTED, 7)


@pytest.mark.parametrize(
    ("batches", "mask"), [(bounds.MAX_PARTIAL + 1, 1), (11_000, (1 << bounds.MAX_BATCH_LINES) - 2)]
)
def test_a_state_that_fits_into_no_message_is_refused_with_a_word(batches: int, mask: int) -> None:
    output, states = Output(), {n: BatchState(mask, mask << 1 | 1) for n in range(batches)}
    committer = Committer(output, Recovered(IdSet(), states, Totals()), "job", "e")
    job = CommitJob(JobTerms("job", bounds.MAX_BATCH_LINES), JobFacts(), committer, output, "e")
    answer = CommitSession("OUT", lambda _: job, None, 0.0).answer(opening("a"), 0.0)
    assert isinstance(answer, messages.Refused)
    assert answer.exit_code == Exit.CONFLICT
    assert answer.reason.startswith(f"{batches} batches have rows of some of their lines")


def test_no_room_to_begin_is_the_end_and_no_room_later_is_not() -> None:
    output = Output()
    job = job_on(output)
    has_room = False

    def begin(_: messages.Open) -> CommitJob:
        if not has_room:
            raise NoSpaceError("no room")
        return job

    session = CommitSession("OUT", begin, None, 0.0)
    with pytest.raises(NoSpaceError):
        session.answer(opening("a"), 0.0)
    has_room = output.is_full = True
    request = replace(opening("a"), input=replace(opening("a").input, source=COUNTED))
    refused = session.answer(request, 0.0)
    assert isinstance(refused, messages.Refused)
    assert (refused.exit_code, refused.reason) == (Exit.STOPPED, "disk full (no room)")
