"""The ventilator's state for one sink: its batches, its commits and its suspects."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from fetcher import bitset
from fetcher.bitset import IdSet
from fetcher.input.source_info import SourceInfo
from fetcher.leases.sink_session import SinkSession
from fetcher.model import Batch
from fetcher.protocol import line_tags, messages
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals

COUNTED = SourceInfo(checked_bytes=9, url_lines=5, at_end=True)
OPENED = messages.Opened(
    job="job",
    batch_size=4,
    source=COUNTED,
    done=b"",
    partial={},
    suspects=[],
    totals=Totals(),
    epoch="e",
    version=3,
    complete=False,
    key=b"k",
)


def session(opened: messages.Opened = OPENED, share: Share | None = None) -> SinkSession:
    made = SinkSession(share or Share(), 0.0)
    made.take_over(opened)
    return made


def batches(*masks: int) -> list[Batch]:
    return [Batch(number, 4 * number + 1, mask, b"u") for number, mask in enumerate(masks)]


def done(*numbers: int) -> bytes:
    found = IdSet()
    for number in numbers:
        found.add(number)
    return found.pack()


def suspect(number: int) -> messages.Suspect:
    return messages.Suspect(batch=number, mask=b"\x01", deaths=1)


def poll(made: SinkSession, suspects: Sequence[messages.Suspect] | None = None) -> messages.Poll:
    return made.poll("s", COUNTED, None if suspects is None else list(suspects))


def test_it_reads_to_the_next_batch_of_its_share_that_is_not_done() -> None:
    made = session(replace(OPENED, done=done(2), partial={4: b"\x02"}), Share(0, 2))
    rest = iter(batches(0b0000, 0b1, 0b1111, 0b1, 0b0111, 0b1))
    found = made.next_batch(rest)
    assert found is not None
    assert (found.batch.id, found.committed, found.suspects) == (4, 0b10, [])
    assert made.lines_read == 4 + 3, "the done lines were read, those of the other sink were not"
    assert made.next_batch(rest) is None


def test_suspects_of_an_earlier_ventilator_come_with_their_batch() -> None:
    made = session(replace(OPENED, suspects=[suspect(1), suspect(1)]))
    rest = iter(batches(1, 1))
    first, second = made.next_batch(rest), made.next_batch(rest)
    assert first is not None and second is not None
    assert (first.suspects, second.suspects) == ([], [suspect(1), suspect(1)])


def test_a_restarted_sinks_state_replaces_the_one_before() -> None:
    made = session(replace(OPENED, done=done(0), partial={1: b"\x01"}))
    made.must_open, made.refusal, made.busy_since = True, "not now", 1.0
    first, second = batches(0b11, 0b11)
    assert (made.committed_of(first.id), made.committed_of(second.id)) == (-1, 0b01)
    made.take_over(replace(OPENED, epoch="f", version=9, complete=True, totals=Totals(rows=2)))
    assert (made.committed_of(first.id), made.committed_of(second.id)) == (0, 0)
    assert not made.must_open
    assert made.busy_since is None
    assert (made.refusal, made.is_opened, made.is_complete, made.totals.rows) == ("", True, True, 2)
    asked = poll(made)
    assert (asked.epoch, asked.version) == ("f", 9)


def test_a_restarted_sink_names_suspects_again_only_of_batches_that_are_not_read() -> None:
    made = session()
    rest = iter(batches(1, 1))
    made.next_batch(rest)
    made.take_over(replace(OPENED, suspects=[suspect(0), suspect(1), suspect(2)]))
    made.take_over(replace(OPENED, suspects=[suspect(0), suspect(1)]))
    found = made.next_batch(rest)
    assert found is not None and found.suspects == [suspect(1)]
    assert poll(made, []).suspects == [], "none is left that was not read"


def test_suspects_are_sent_with_those_not_read_until_the_sink_has_saved_them() -> None:
    made = session(replace(OPENED, suspects=[suspect(7)]))
    assert poll(made).suspects is None
    assert poll(made, [suspect(0)]).suspects == [suspect(0), suspect(7)]
    assert poll(made).suspects == [suspect(0), suspect(7)], "the answer may be lost"
    news = messages.Committed(version=4, changed={}, totals=Totals(rows=1), complete=False)
    made.update(replace(news, stalled="the disk is full"))
    assert poll(made).suspects == [suspect(0), suspect(7)]
    assert made.stalled == "the disk is full"
    made.update(news)
    asked = poll(made)
    assert (asked.suspects, asked.version, made.stalled) == (None, 4, "")
    assert (made.totals.rows, made.is_complete) == (1, False)
    made.update(replace(news, complete=True))
    assert made.is_complete


def test_a_sink_that_was_not_asked_yet_is_to_be_opened_and_has_said_nothing() -> None:
    made = SinkSession(Share(1, 2), 5.0)
    assert (made.index, made.heard_at, made.must_open) == (1, 5.0, True)
    said = (made.is_asked_early, made.is_opened, made.is_complete, made.is_closed)
    assert not any(said)
    assert (made.totals, made.stalled, made.refusal) == (Totals(), "", "")
    assert not made.is_count_told
    assert (poll(made).epoch, poll(made).version) == ("", 0)


def test_a_poll_has_the_count_of_its_lines_once_it_is_known() -> None:
    made = session()
    assert poll(made).url_lines is None
    made.url_lines = 5
    asked = poll(made)
    assert (asked.url_lines, asked.source, asked.session) == (5, COUNTED, "s")


def test_the_tags_of_lines_are_those_of_the_jobs_key() -> None:
    mask = bitset.pack(0b11)
    named = [(1, "a", None), (2, "b", "two")]
    expected = line_tags.of_lines(b"k", 0, mask, named)
    assert session().tags(0, mask, named) == expected
    assert session(replace(OPENED, key=b"other")).tags(0, mask, named) != expected
