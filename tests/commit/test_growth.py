"""The log of a crawl: what a commit adds to it, without files."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.commit.session import CommitJob, CommitSession, JobFacts, JobTerms
from fetcher.error_kinds import ErrorKind
from fetcher.errors import NoSpaceError, WireError
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.input.source_info import SourceInfo
from fetcher.model import Found, Task
from fetcher.protocol import messages
from fetcher.protocol.shard import WHOLE
from support.answers import offer
from support.growing import SIZE, Memory, chunk, growth_of, seeds


@pytest.fixture
def memory() -> Memory:
    return Memory()


def test_a_page_of_seeds_may_come_again_and_a_gap_is_ignored(memory: Memory) -> None:
    committer = memory.begin()
    growth = growth_of(committer)
    growth.seeds(0, seeds("http://a/", "http://b/"), at_end=False)
    growth.seeds(0, seeds("http://a/", "http://b/"), at_end=False)
    growth.seeds(3, seeds("http://d/"), at_end=True)
    committer.commit()
    assert (growth.committed.seeds, growth.committed.has_all_seeds) == (2, False)
    growth.seeds(1, seeds("http://b/", "http://c/", "http://a/"), at_end=True)
    committer.commit()
    assert (growth.committed.seeds, growth.committed.seed_lines) == (4, 3)
    assert growth.committed.has_all_seeds
    assert memory.urls == ["http://a/", "http://b/", "http://c/"]
    assert growth.committed.totals.refused == {"duplicate": 1}


def test_a_seed_whose_line_is_wrong_is_no_request_and_not_the_page_of_its_url(
    memory: Memory,
) -> None:
    committer = memory.begin()
    fault = ErrorKind.LINE_FIELD.fault("method: must be a text")
    wrong = log_lines.seed_of(Task(1, "http://a/", fault, id=7))
    growth_of(committer).seeds(0, [wrong, wrong, *seeds("http://a/")], at_end=True)
    committer.commit()
    tasks = [log_lines.task_of(line, text) for line, text in enumerate(memory.log, 1)]
    assert tasks == [
        Task(1, "http://a/", fault, id=7, found=Found()),
        Task(2, "http://a/", found=Found()),
    ]


def test_links_are_in_the_commit_of_their_row_and_known_before_it(memory: Memory) -> None:
    committer = memory.begin()
    growth_of(committer).seeds(0, seeds("http://a/", "http://b/"), at_end=True)
    committer.commit()
    committer.offer(chunk(1, "http://c/", "http://b/"), SIZE)
    committer.offer(chunk(2, "http://c/", "http://d/"), SIZE)
    assert memory.urls == ["http://a/", "http://b/"]
    committer.commit()
    assert memory.urls[2:] == ["http://c/", "http://d/"]
    delta = memory.deltas[-1]
    assert delta.crawl is not None
    assert (delta.crawl.lines, delta.totals.rows) == (4, 2)
    assert log_lines.decode(memory.log[3]) == LogLine("http://d/", 2, 1, "a", foreign=True)


def test_a_duplicate_row_brings_no_links(memory: Memory) -> None:
    committer = memory.begin()
    growth_of(committer).seeds(0, seeds("http://a/"), at_end=True)
    committer.offer(chunk(1, "http://c/"), SIZE)
    committer.offer(chunk(1, "http://other/"), SIZE)
    committer.commit()
    committer.offer(chunk(1, "http://another/"), SIZE)
    committer.commit()
    assert memory.urls == ["http://a/", "http://c/"]
    assert growth_of(committer).committed.totals.links == 2


def test_a_full_disk_leaves_links_and_seeds_pending(memory: Memory) -> None:
    committer = memory.begin()
    growth = growth_of(committer)
    memory.is_full = True
    growth.seeds(0, seeds("http://a/"), at_end=True)
    committer.offer(chunk(1, "http://c/"), SIZE)
    for _ in range(2):
        with pytest.raises(NoSpaceError):
            committer.commit()
        growth.seeds(0, seeds("http://a/"), at_end=True)
    assert growth.committed.lines == 0
    memory.is_full = False
    assert committer.commit() == 1
    assert memory.urls == ["http://a/", "http://c/"]


def test_links_that_cannot_be_read_cost_their_chunk_alone(memory: Memory) -> None:
    committer = memory.begin()
    with pytest.raises(WireError):
        committer.offer(chunk(1, data=b"\x91"), SIZE)
    assert committer.pending_rows == 0


# -- the session of a crawl ------------------------------------------------------------------


class Record:
    """See commit.session.JobRecord."""

    def __init__(self) -> None:
        self.lines: int | None = None
        self.is_complete = False

    def note(self, source: SourceInfo | None, suspects: list[messages.Suspect] | None) -> None:
        pass

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        self.lines = share_url_lines

    def finish(self) -> bool:
        return True

    def complete(self) -> None:
        self.is_complete = True


def session_of(memory: Memory, record: Record | None = None) -> CommitSession:
    job = CommitJob(JobTerms("job", SIZE), JobFacts(), memory.begin(), record or Record(), "e")
    return CommitSession("OUT", lambda _: job, None, 0.0)


def page(first: int, *urls: str, session: str = "s", at_end: bool = True) -> messages.Seeds:
    return messages.Seeds(session, first, b"\n".join(seeds(*urls)), at_end)


def poll(**said: Any) -> messages.Poll:
    return replace(messages.Poll("s", "e", 0, SourceInfo(1, "", 7, True, 1.0)), **said)


def test_seeds_are_durable_when_they_are_answered(memory: Memory) -> None:
    session = session_of(memory)
    assert session.answer(page(0, "http://a/"), 0.0) == messages.Resync()
    opened = session.answer(offer(WHOLE), 0.0)
    assert isinstance(opened, messages.Opened)
    assert opened.crawl == messages.CrawlState(0, False, 0)
    memory.is_full = True
    answer = session.answer(page(0, "http://a/"), 0.0)
    assert isinstance(answer, messages.Seeded)
    assert (answer.crawl.seeds, answer.stalled) == (0, "disk full (full)")
    memory.is_full = False
    answer = session.answer(page(0, "http://a/"), 0.0)
    assert isinstance(answer, messages.Seeded)
    assert (answer.crawl.seeds, answer.crawl.lines, answer.stalled) == (1, 1, "")
    assert memory.urls == ["http://a/"]
    other = session.answer(page(1, "http://b/", session="another"), 0.0)
    assert isinstance(other, messages.Refused)


def test_seeds_that_are_not_lines_of_a_log_are_refused(memory: Memory) -> None:
    session = session_of(memory)
    session.answer(offer(WHOLE), 0.0)
    answer = session.answer(messages.Seeds("s", 0, b"{}", True), 0.0)
    assert isinstance(answer, messages.Refused)
    assert "seeds" in answer.reason


def test_a_crawl_is_complete_when_all_seeds_are_there_and_each_line_has_its_row(
    memory: Memory,
) -> None:
    record = Record()
    session = session_of(memory, record)
    session.answer(offer(WHOLE), 0.0)
    session.answer(page(0, "http://a/", at_end=False), 0.0)
    assert session.job is not None
    session.job.committer.offer(chunk(1), SIZE)
    session.commit()
    session.answer(poll(url_lines=1), 0.0)
    assert not session.is_complete, "more seeds may come"
    session.answer(page(1, "http://b/"), 0.0)
    session.job.committer.offer(chunk(2, "http://c/"), SIZE)
    session.commit()
    assert not session.is_complete, "line 3 was found"
    session.job.committer.offer(chunk(3), SIZE)
    session.commit()
    assert session.is_complete
    assert (record.lines, record.is_complete) == (3, True)
