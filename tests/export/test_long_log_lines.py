"""The retry of a crawl reads each line of its log whole, whatever its length."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.export import crawl_retry
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.links import MAX_LINK_CHARS, Link, LinkRequest
from fetcher.frontier.rules import CrawlRules
from fetcher.input import formats, log_lines
from fetcher.input.source import Source
from fetcher.store import reader
from support.crawl_outs import Page, make_crawl

SITE = "http://a.test"
BODIES = [b"\x00" * size for size in (10, 40_000, MAX_LINK_CHARS - 1000)]


def posted(body: bytes) -> Link:
    """A handler's link, as its worker sends it."""
    key = KeyTexts(CrawlRules()).of(f"{SITE}/", "POST", body) or ""
    return Link(f"{SITE}/", "handler", key, request=LinkRequest("POST", body=body))


PAGES = {f"{SITE}/": Page([posted(body) for body in BODIES])}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_crawl(tmp_path / "out", PAGES, [f"{SITE}/"], segment_bytes=30)


def test_a_retry_reads_long_lines_of_the_log_whole(out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    source = Source(crawl_retry.log_copy(again, reader.read_all([out])[0]), formats.LOG)
    tasks = [log_lines.task_of(line, text) for line, text in source.url_lines()]
    assert [task.body for task in tasks] == [None, *BODIES]
    assert not any(task.fault for task in tasks)
    batches = list(source.batches(2))
    assert b"\n".join(batch.urls for batch in batches).count(b"\n") == len(BODIES)
    *_, last = source.census()
    assert last.url_lines == 1 + len(BODIES)
