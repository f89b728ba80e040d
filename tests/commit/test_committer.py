"""The sink's decisions: what is new, what is committed, what is said of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fetcher import bitset
from fetcher.commit.committer import Committer, Delta, Kept, Recovered
from fetcher.errors import NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.model import Chunk
from fetcher.protocol.totals import Totals

SIZE = 8
FULL = (1 << SIZE) - 1


class Recording:
    """A store that records its steps, and is full on demand."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.rows = b""
        self.kept: list[Kept] = []
        self.deltas: list[Delta] = []
        self.full_at = ""

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name == self.full_at:
            raise NoSpaceError("full")

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        self._step("append")
        self.rows += b"".join(rows)
        self.kept += kept

    def sync(self) -> None:
        self._step("sync")

    def record(self, delta: Delta) -> None:
        self._step("record")
        self.deltas.append(delta)


def chunk(
    batch: int,
    *offsets: int,
    job: str = "job",
    kept: dict[int, bytes] | None = None,
    empty: Iterable[int] = (),
    retried: Iterable[int] = (),
    unchanged: Iterable[int] = (),
) -> Chunk:
    """`kept`: the body data of rows, by offset; all others: offsets of such lines."""
    kept_data = [(kept or {}).get(offset, b"") for offset in offsets]
    lines = [batch * SIZE + 1 + offset for offset in offsets]
    rows = [b"<%d>" % line for line in lines]
    return Chunk(
        job=job,
        batch=batch,
        batch_mask=bitset.pack(FULL),
        worker="w",
        lines=lines,
        row_bytes=[len(row) for row in rows],
        outcomes=[0 if line % 2 else 1 for line in lines],
        statuses=[200 if line % 2 else 404 for line in lines],
        body_bytes=list(lines),
        rows=b"".join(rows),
        kept=b"".join(kept_data),
        kept_bytes=[len(each) for each in kept_data] if kept else [],
        empty=[batch * SIZE + 1 + offset for offset in empty],
        retried=[batch * SIZE + 1 + offset for offset in retried],
        unchanged=[batch * SIZE + 1 + offset for offset in unchanged],
    )


@pytest.fixture
def store() -> Recording:
    return Recording()


@pytest.fixture
def committer(store: Recording) -> Committer:
    return Committer(store, Recovered(bitset.IdSet(), {}, Totals()), "job", "epoch")


def test_lines_of_more_than_one_attempt_are_counted_once() -> None:
    committer = Committer(Recording(), Recovered(bitset.IdSet(), {}, Totals(retried=5)), "job", "e")
    committer.offer(chunk(0, 0, 1, 2, retried=(1, 2)), SIZE)
    committer.offer(chunk(0, 2, 3, retried=(2, 3)), SIZE)
    committer.commit()
    committer.offer(chunk(0, 1, 4, retried=(1,)), SIZE)
    committer.commit()
    assert (committer.totals.rows, committer.totals.retried) == (5, 8)


def test_lines_with_an_unchanged_body_are_counted_once(committer: Committer) -> None:
    committer.offer(chunk(0, 0, 1, unchanged=(1,)), SIZE)
    committer.offer(chunk(0, 1, 2, 3, unchanged=(1, 2)), SIZE)
    committer.commit()
    assert (committer.totals.rows, committer.totals.unchanged_rows) == (4, 2)


def test_a_commit_appends_syncs_and_records_in_this_order_and_then_publishes(
    committer: Committer, store: Recording
) -> None:
    committer.offer(chunk(0, 0, 1), SIZE)
    assert committer.changed_since("epoch", 0) == {}
    assert committer.commit() == 2
    assert store.steps == ["append", "sync", "record"]
    assert committer.changed_since("epoch", 0) == {0: bitset.pack(0b11)}


def test_without_pending_rows_nothing_is_committed(committer: Committer, store: Recording) -> None:
    assert committer.commit() == 0
    assert store.steps == []
    assert committer.version == 0


def test_rows_seen_before_are_dropped_whether_committed_or_pending(
    committer: Committer, store: Recording
) -> None:
    committer.offer(chunk(0, 0, 1, 2), SIZE)
    committer.offer(chunk(0, 1, 2, 3), SIZE)
    committer.commit()
    committer.offer(chunk(0, 3, 0, 4), SIZE)
    committer.commit()
    assert store.rows == b"<1><2><3><4><5>"
    assert committer.duplicates == 4
    assert committer.totals.rows == 5
    assert committer.totals.body_bytes == 1 + 2 + 3 + 4 + 5
    assert committer.totals.outcomes == {"ok": 3, "http_error": 2}
    assert committer.totals.statuses == {200: 3, 404: 2}


def test_the_body_of_a_row_is_taken_and_dropped_with_it(
    committer: Committer, store: Recording
) -> None:
    kept_data = {0: b"zero", 1: b"", 2: b"two", 3: b"three"}
    committer.offer(chunk(0, 2, 1, kept=kept_data), SIZE)
    committer.offer(chunk(0, 0, 1, 2, 3, kept={**kept_data, 2: b"another try's"}), SIZE)
    committer.offer(chunk(0, 3, kept={3: b"nor this"}), SIZE)
    assert committer.pending_bytes == len(b"<3><2><1><4>twozerothree")
    committer.commit()
    assert store.rows == b"<3><2><1><4>"
    assert store.kept == [Kept(3, b"two"), Kept(1, b"zero"), Kept(4, b"three")]
    committer.offer(chunk(0, 2, 4, kept={2: b"late", 4: b"four"}), SIZE)
    committer.commit()
    assert store.kept[3:] == [Kept(5, b"four")]


def test_an_empty_body_is_kept_with_its_row_and_dropped_with_it(
    committer: Committer, store: Recording
) -> None:
    committer.offer(chunk(0, 0, 1, empty=[1]), SIZE)
    committer.offer(chunk(0, 1, 2, 3, kept={2: b"two"}, empty=[1, 3]), SIZE)
    committer.commit()
    assert store.kept == [Kept(2, b""), Kept(4, b""), Kept(3, b"two")]


def test_a_full_batch_takes_no_more_rows_and_is_reported_as_full(
    committer: Committer, store: Recording
) -> None:
    committer.offer(chunk(3, *range(SIZE)), SIZE)
    committer.commit()
    committer.offer(chunk(3, 2), SIZE)
    assert committer.commit() == 0
    assert committer.changed_since("epoch", 0) == {3: b""}
    done, partial = committer.snapshot()
    assert 3 in bitset.IdSet(done)
    assert partial == {}


def test_chunks_of_another_job_are_ignored(committer: Committer) -> None:
    committer.offer(chunk(0, 0, job="other"), SIZE)
    assert committer.commit() == 0


@pytest.mark.parametrize("step", ["append", "record"])
def test_a_full_disk_publishes_nothing_and_the_same_commit_can_be_tried_again(
    committer: Committer, store: Recording, step: str
) -> None:
    committer.offer(chunk(0, 0), SIZE)
    store.full_at = step
    with pytest.raises(NoSpaceError):
        committer.commit()
    assert committer.changed_since("epoch", 0) == {}
    assert committer.totals.rows == 0
    store.full_at = ""
    assert committer.commit() == 1
    assert committer.changed_since("epoch", 0) == {0: bitset.pack(1)}


def test_a_poll_hears_only_what_is_newer(committer: Committer) -> None:
    for number in range(3):
        committer.offer(chunk(number, 0), SIZE)
        committer.commit()
    assert set(committer.changed_since("epoch", 1) or {}) == {1, 2}
    committer.offer(chunk(0, 1), SIZE)
    committer.commit()
    assert committer.changed_since("epoch", 3) == {0: bitset.pack(0b11)}


def test_a_poll_of_another_epoch_or_of_the_future_must_open_the_job_again(
    committer: Committer,
) -> None:
    assert committer.changed_since("older", 0) is None
    assert committer.changed_since("epoch", 1) is None


def test_changes_are_remembered_for_a_while_only(
    committer: Committer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetcher.commit.committer._REMEMBERED", 3)
    for number in range(6):
        committer.offer(chunk(number, 0), SIZE)
        committer.commit()
    assert committer.changed_since("epoch", 2) is None
    assert set(committer.changed_since("epoch", 3) or {}) == {3, 4, 5}


def test_what_was_recovered_is_known(store: Recording) -> None:
    first = Committer(store, Recovered(bitset.IdSet(), {}, Totals()), "job", "one")
    first.offer(chunk(0, *range(SIZE)), SIZE)
    first.offer(chunk(1, 4), SIZE)
    first.commit()
    done = bitset.IdSet()
    done.add(0)
    partial = {1: store.deltas[-1].batches[1]}
    second = Committer(store, Recovered(done, partial, first.totals), "job", "two")
    second.offer(chunk(0, 1), SIZE)
    second.offer(chunk(1, 4, 5), SIZE)
    assert second.commit() == 1
    assert second.totals.rows == SIZE + 2


def test_the_total_is_an_estimate_until_all_is_counted() -> None:
    assert SourceInfo().total() == (None, False)
    assert SourceInfo(url_lines=50, fraction=0.25).total() == (200, False)
    assert SourceInfo(url_lines=50, at_end=True, fraction=1.0).total() == (50, True)
