"""Assignments for workers, and the rows of lines that are given up."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from fetcher.error_kinds import ErrorKind
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.leases.ledger import Ledger
from fetcher.leases.poison import Condemned
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import Assignment, BatchPart, LeaseRules
from fetcher.model import Batch, Outcome
from fetcher.protocol import line_tags, messages
from fetcher.protocol.chunk_frames import check_chunk, chunk_parts
from fetcher.protocol.output_spec import PLAIN
from fetcher.roles.spec import RoleSpec
from fetcher.roles.ventilator.job_input import JobInput
from fetcher.roles.ventilator.task_messages import assignment_message, crash_chunk
from fetcher.rows import jsonl
from fetcher.rows.check import RowChecker
from fetcher.settings.schema import Settings
from support.answers import COUNTING, offer, opened
from support.outs import write_input

KEY = b"k" * line_tags.KEY_BYTES
BATCH = Batch(1, 5, 0b1111, b"")


def sessions() -> SinkSessions:
    made = SinkSessions(Ledger(LeaseRules()), 1, "s", 3.0, offer, 0.0)
    (one,) = made
    made.request(one, COUNTING)
    made.receive(one, opened(key=KEY), 0.0)
    return made


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    return write_input(tmp_path / "urls.txt", 8)


def input_of(urls: Path, crawl: CrawlRules | None = None) -> JobInput:
    settings = Settings()
    spec = RoleSpec(
        role="ventilator",
        name="v",
        settings=settings,
        ventilator="",
        sinks=("",),
        urlfile=str(urls),
        crawl=crawl,
    )
    return JobInput(spec, settings)


def message_of(mask: int, text: bytes, job_input: JobInput) -> messages.Assignment:
    return assignment_message(
        Assignment(9, BATCH, mask, text), job_input, sessions(), logs_in=False
    )


def test_an_assignment_has_the_lines_of_its_mask_and_their_tags(urls: Path) -> None:
    text = b"http://a.test/5\nhttp://a.test/7"
    message = message_of(0b101, text, input_of(urls))
    assert (message.job, message.lease, message.batch, message.first_line) == ("job", 9, 1, 5)
    assert (message.batch_mask, message.mask, message.crawl) == (b"\x0f", b"\x05", UNSET)
    named = [(5, "http://a.test/5", None), (7, "http://a.test/7", None)]
    assert message.tags == line_tags.of_lines(KEY, 1, b"\x0f", named)


def test_texts_that_do_not_fit_the_mask_are_a_defect(urls: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        message_of(0b111, b"a\nb", input_of(urls))


def test_workers_get_the_rules_of_a_crawl_without_the_patterns_of_the_sink(urls: Path) -> None:
    rules = CrawlRules(allow=("a",), deny=("b",), depth=3)
    text = log_lines.encode(LogLine("http://a.test/5"))
    message = message_of(0b1, text, input_of(urls, rules))
    assert message.crawl == CrawlRules(depth=3)


def condemned(mask: int) -> Condemned:
    return Condemned(BatchPart(1, mask), 3, ErrorKind.CRASHED_DIED, "its workers died 3 times")


def test_the_row_of_a_line_that_is_given_up_passes_the_sinks_check(urls: Path) -> None:
    chunk = crash_chunk(BATCH, condemned(0b100), b"http://a.test/7", input_of(urls), sessions())
    row = jsonl.decode(chunk.rows)
    assert (row.line, row.url, row.outcome) == (7, "http://a.test/7", Outcome.CRASHED)
    assert (row.error, row.error_kind, row.attempts) == (
        *("its workers died 3 times", ErrorKind.CRASHED_DIED.word),
        3,
    )
    received = check_chunk(*chunk_parts(chunk), 4, 2)
    assert RowChecker(PLAIN, KEY).require(received) == []


def test_the_row_of_a_crawls_line_has_its_depth(urls: Path) -> None:
    text = log_lines.encode(LogLine("http://a.test/7", 2, 4, "redirect", 1))
    found = input_of(urls, CrawlRules())
    chunk = crash_chunk(BATCH, condemned(0b100), text, found, sessions())
    assert (chunk.depths, chunk.hops) == ([4], [1])
    row = jsonl.decode(chunk.rows)
    assert (row.depth, row.url) == (4, "http://a.test/7")
