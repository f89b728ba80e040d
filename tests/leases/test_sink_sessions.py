"""The ventilator's talk with its sinks, without sockets or clocks."""

from __future__ import annotations

from typing import Any

import pytest

from fetcher import bitset
from fetcher.errors import ConflictError, DamageError, Exit, FetcherError
from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_notices import Frozen, JobBegun, Joined, Thawed, Waiting
from fetcher.leases.sink_sessions import BUSY_S, END_S, WAITING_NOTICE_S, SinkSessions
from fetcher.leases.types import Assignment, LeaseRules
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.output_spec import Output
from fetcher.protocol.shard import Share
from support.answers import COUNTED, COUNTING, news, offer, opened

SUSPECT = messages.Suspect(batch=0, mask=b"\x01", deaths=1)


def sessions_of(count: int = 1) -> tuple[SinkSessions, Ledger]:
    ledger = Ledger(LeaseRules(), shares=count)
    return SinkSessions(ledger, count, "s", 3.0, offer, 0.0), ledger


def open_all(sessions: SinkSessions, **said: Any) -> None:
    for one in sessions:
        sessions.request(one, COUNTING)
        sessions.receive(one, opened(**said), 0.0)


def packed(batches: range) -> bytes:
    done = bitset.IdSet()
    for batch in batches:
        done.add(batch)
    return done.pack()


def batches(count: int) -> list[Batch]:
    return [Batch(id=n, first_line=n + 1, mask=1, urls=b"u%d" % n) for n in range(count)]


def test_sinks_are_opened_in_the_order_of_their_shares() -> None:
    sessions, _ = sessions_of(2)
    first, second = sessions
    assert sessions.request(first, COUNTING) == offer(Share(0, 2))
    assert isinstance(sessions.request(second, COUNTING), messages.Poll)
    # Whatever it says to that, it is opened in its turn.
    refused = messages.Refused(reason="another ventilator", exit_code=Exit.CONFLICT)
    assert sessions.receive(second, refused, 0.0) == []
    assert sessions.receive(first, opened(), 0.0) == [Joined("sink 1 of 2"), JobBegun(opened())]
    assert sessions.request(second, COUNTING) == offer(Share(1, 2))
    assert sessions.receive(second, opened(), 0.0) == [Joined("sink 2 of 2")]
    assert sessions.is_open
    assert sessions.job == "job"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"job": "b"}, "sink 2 of 2 now has another job; stop it or this ventilator"),
        ({"batch_size": 9}, "begun with different batch sizes"),
        ({"output": Output(bodies="files")}, "begun with different batch sizes"),
    ],
)
def test_sinks_that_do_not_agree_stop_the_job(said: dict[str, Any], why: str) -> None:
    sessions, _ = sessions_of(2)
    first, second = sessions
    sessions.receive(first, opened(), 0.0)
    sessions.request(second, COUNTING)
    with pytest.raises(ConflictError, match=why):
        sessions.receive(second, opened(**said), 0.0)


def test_the_sink_that_is_waited_for_is_named_from_time_to_time() -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    assert sessions.waiting(WAITING_NOTICE_S) == []
    sessions.receive(sink, messages.Refused(reason="no room", exit_code=Exit.STOPPED), 1.0)
    late = WAITING_NOTICE_S + 0.1
    assert sessions.waiting(late) == [Waiting("the sink", late, "no room")]
    assert sessions.waiting(late + 1) == []


@pytest.mark.parametrize("is_open", [False, True])
def test_another_ventilators_job_is_waited_for_a_while(is_open: bool) -> None:
    sessions, ledger = sessions_of()
    (sink,) = sessions
    if is_open:
        open_all(sessions)
        sessions.receive(sink, messages.Resync(), 1.0)
        assert sessions.request(sink, COUNTING) == offer(Share())
    busy = messages.Refused(reason="in use", exit_code=0)
    sessions.receive(sink, busy, 2.0)
    assert ledger.is_frozen() is is_open  # nothing is handed out meanwhile
    sessions.receive(sink, busy, 2.0 + BUSY_S)
    with pytest.raises(ConflictError, match="in use"):
        sessions.receive(sink, busy, 2.1 + BUSY_S)


def test_a_refusal_ends_the_job_with_its_exit_code() -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    with pytest.raises(FetcherError, match="taken over") as caught:
        sessions.receive(sink, messages.Refused(reason="taken over", exit_code=Exit.CONFLICT), 0.0)
    assert caught.value.exit_code is Exit.CONFLICT


def test_a_sink_that_cannot_commit_freezes_its_share_until_it_can() -> None:
    sessions, ledger = sessions_of(2)
    _, sink = sessions
    open_all(sessions)
    assert sessions.receive(sink, news(stalled="disk full"), 1.0) == [Frozen("disk full", False)]
    assert (ledger.is_frozen(0), ledger.is_frozen(1)) == (False, True)
    assert sessions.trouble(1.0) == "sink 2 of 2: disk full"
    assert sessions.receive(sink, news(stalled="disk full"), 2.0) == []
    assert sessions.receive(sink, news(), 3.0) == [Thawed("sink 2 of 2")]
    assert not sessions.is_some_frozen


def test_a_silent_sink_freezes_its_share() -> None:
    sessions, ledger = sessions_of()
    open_all(sessions)
    assert sessions.judge_silence(3.0) == []
    assert sessions.judge_silence(3.1) == [Frozen("the sink does not answer", True)]
    assert ledger.is_frozen()
    assert sessions.trouble(4.0) == "the sink does not answer (for 4 s)"
    assert sessions.silent_s(4.0) == (4.0,)


def test_a_sink_that_started_again_is_opened_and_believed_anew() -> None:
    sessions, ledger = sessions_of()
    (sink,) = sessions
    open_all(sessions)
    sent: list[int] = []

    def send(assignment: Assignment) -> bool:
        sent.append(assignment.batch.id)
        return True

    sessions.hand_out([iter(batches(2))], send, 1.0)
    assert sent == [0, 1]
    sessions.receive(sink, messages.Resync(), 2.0)
    assert isinstance(sessions.request(sink, COUNTED), messages.Open)
    assert sessions.receive(sink, opened(done=b"\x01", epoch="f", version=7), 3.0) == []
    assert [batch.id for batch in ledger.open_batches()] == [1]
    asked = sessions.request(sink, COUNTED)
    assert isinstance(asked, messages.Poll)
    assert (asked.epoch, asked.version) == ("f", 7)


def test_what_cannot_be_sent_is_put_back() -> None:
    sessions, ledger = sessions_of()
    open_all(sessions)
    assert sessions.hand_out([iter(batches(2))], lambda _: False, 1.0) == {0}
    assert not list(ledger.leases)
    assert ledger.waiting == 1


def test_a_long_list_without_lines_to_hand_out_is_read_in_several_turns() -> None:
    """In between, the ventilator does what else is due."""
    sessions, ledger = sessions_of()
    open_all(sessions, done=packed(range(9_999)))
    (one,) = sessions
    one.most_lines_a_look = 1_000
    source, sent = iter(batches(10_000)), list[Assignment]()

    def send(assignment: Assignment) -> bool:
        sent.append(assignment)
        return True

    turns = 0
    while not sent:
        sessions.hand_out([source], send, 1.0)
        turns += 1
        assert one.lines_read <= turns * 1_000
        assert sessions.must_read_on == (not sent)
        assert ledger.source_ended == bool(sent)
    assert turns > 10
    assert sessions.lines_read == 10_000
    assert [each.batch.id for each in sent] == [9_999]


# -- suspects --------------------------------------------------------------------------------


class Blaming(Ledger):
    """Has suspects to tell whenever a test says so."""

    found: list[messages.Suspect] | None = None

    def suspects_if_changed(self, index: int = 0) -> list[messages.Suspect] | None:
        found, self.found = self.found, None
        return found


def blaming() -> tuple[SinkSessions, Blaming]:
    ledger = Blaming(LeaseRules())
    return SinkSessions(ledger, 1, "s", 3.0, offer, 0.0), ledger


def polled(sessions: SinkSessions) -> messages.Poll:
    (sink,) = sessions
    asked = sessions.request(sink, COUNTING)
    assert isinstance(asked, messages.Poll)
    return asked


def test_suspects_are_sent_until_a_sink_with_room_answers() -> None:
    sessions, ledger = blaming()
    (sink,) = sessions
    open_all(sessions)
    ledger.found = [SUSPECT]
    assert polled(sessions).suspects == [SUSPECT]
    assert polled(sessions).suspects == [SUSPECT]
    sessions.receive(sink, news(stalled="disk full"), 1.0)
    assert polled(sessions).suspects == [SUSPECT]
    sessions.receive(sink, news(), 1.0)
    assert polled(sessions).suspects is None


def test_suspects_found_during_a_poll_are_sent_with_the_next_one() -> None:
    sessions, ledger = blaming()
    (sink,) = sessions
    open_all(sessions)
    assert polled(sessions).suspects is None
    ledger.found = [SUSPECT]
    sessions.receive(sink, news(), 1.0)
    assert polled(sessions).suspects == [SUSPECT]


def test_suspects_of_batches_that_are_not_read_yet_are_sent_too() -> None:
    sessions, ledger = blaming()
    (sink,) = sessions
    unread = messages.Suspect(batch=5, mask=b"\x01", deaths=2)
    sessions.receive(sink, opened(suspects=[SUSPECT, unread]), 0.0)
    sessions.hand_out([iter(batches(1))], lambda _: True, 1.0)  # reads batch 0
    ledger.found = [SUSPECT]
    assert polled(sessions).suspects == [SUSPECT, unread]


# -- the end ---------------------------------------------------------------------------------


def read_to_the_end(sessions: SinkSessions) -> None:
    sessions.hand_out([iter(()) for _ in sessions], lambda _: True, 0.0)


def test_the_number_of_lines_of_a_share_is_sent_once_all_are_read() -> None:
    sessions, _ = sessions_of(2)
    open_all(sessions)

    def told(source: SourceInfo) -> list[int | None]:
        polls = [sessions.request(one, source) for one in sessions]
        return [each.url_lines for each in polls if isinstance(each, messages.Poll)]

    # The first sink's reader stops after a batch: workers have enough of it.
    lists = [iter(batches(9)), iter(batches(1))]
    sessions.hand_out(lists, lambda _: False, 0.0)
    assert told(COUNTING) == [None, None]
    assert not any(sessions.is_urgent(one, COUNTING) for one in sessions)
    assert [sessions.is_urgent(one, COUNTED) for one in sessions] == [False, True]
    assert told(COUNTED) == [None, 0]
    assert not any(sessions.is_urgent(one, COUNTED) for one in sessions)
    sessions.hand_out([iter(()), iter(())], lambda _: True, 1.0)
    assert told(COUNTED) == [1, 0]


@pytest.mark.parametrize("is_counted", [False, True])
def test_a_count_that_never_agrees_is_damage_once_the_input_is_counted(is_counted: bool) -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    open_all(sessions)
    read_to_the_end(sessions)
    sessions.request(sink, COUNTED if is_counted else COUNTING)
    sessions.receive(sink, news(), 1.0)
    sessions.receive(sink, news(), 1.0 + END_S)
    if is_counted:
        with pytest.raises(DamageError, match="0 rows are counted for 2 lines"):
            sessions.receive(sink, news(), 1.1 + END_S)
    else:
        sessions.receive(sink, news(), 1.1 + END_S)


def test_a_sink_is_sent_close_until_it_confirms() -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    open_all(sessions, complete=True)
    assert sessions.is_complete
    sessions.close()
    assert sessions.request(sink, COUNTED) == messages.Close(session="s")
    assert not sessions.is_closed
    # It has started again: it does not know this ventilator.
    sessions.receive(sink, messages.Resync(), 1.0)
    assert isinstance(sessions.request(sink, COUNTED), messages.Open)
    sessions.receive(sink, opened(complete=True), 1.0)
    assert sessions.request(sink, COUNTED) == messages.Close(session="s")
    sessions.receive(sink, messages.Closed(), 2.0)
    assert sessions.is_closed
    assert sessions.request(sink, COUNTED) is None


def test_a_complete_job_that_another_ventilator_has_is_left_to_it() -> None:
    sessions, _ = sessions_of()
    (sink,) = sessions
    open_all(sessions, complete=True)
    sessions.close()
    sessions.receive(sink, messages.Refused(reason="taken over", exit_code=Exit.CONFLICT), 1.0)
    assert sessions.is_closed
