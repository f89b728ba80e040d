"""Long pages are read in a thread, so that the loop of the worker goes on; short ones are not."""

from __future__ import annotations

import gzip
from typing import Any, cast

import gevent
import pytest
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool
from msgspec.structs import replace

from fetcher.extract import page
from fetcher.frontier.rules import CrawlRules
from fetcher.model import Found, Outcome, Result, Task
from fetcher.roles.worker.lines import Line
from fetcher.roles.worker.page_reader import PageReader
from fetcher.settings.schema import Settings

URL = "http://a.test/"
TASK = Task(3, URL, found=Found(1, 1, "a"))
SITEMAP = Task(3, URL, found=Found(1, 1, "sitemap"))
HEADERS = [("Content-Type", "text/html")]
ROW = Result(3, URL, Outcome.OK, 200, URL, headers=HEADERS, content_type="text/html")
IMAGE = replace(ROW, headers=[("Content-Type", "image/png")], content_type="image/png")
ITEMS = b"".join(b"<li><a href='/%d'>x</a></li>\n" % number for number in range(20_000))


class Pool:
    """The lines that have waited for the turn to read a long page."""

    def __init__(self) -> None:
        self.waited: list[Line] = []

    def wait_for(self, line: Line, turn: Semaphore) -> None:
        self.waited.append(line)
        turn.acquire()

    def reader(self) -> PageReader:
        return PageReader(CrawlRules(sitemaps=True), Settings(), lambda _: (), self.wait_for)


def line(task: Task = TASK) -> Line:
    return Line(cast(Any, None), task, "")


@pytest.mark.parametrize(
    ("row", "task", "body", "is_long"),
    [
        (ROW, TASK, None, False),
        (ROW, TASK, ITEMS[:30_000], False),
        (ROW, TASK, ITEMS[: 128 * 1024], False),
        (ROW, TASK, ITEMS[: 128 * 1024 + 1], True),
        (ROW, TASK, ITEMS, True),
        (IMAGE, TASK, ITEMS, False),
        (IMAGE, SITEMAP, gzip.compress(b"<urlset/>"), True),
        (replace(ROW, outcome=Outcome.HTTP_ERROR), TASK, ITEMS, False),
        (replace(ROW, location="http://b.test/"), TASK, ITEMS, False),
    ],
)
def test_a_line_waits_for_its_turn_if_its_page_is_long(
    row: Result, task: Task, body: bytes | None, is_long: bool
) -> None:
    pool, waiting = Pool(), line(task)
    pool.reader().read(row, waiting, body)
    assert pool.waited == [waiting] * is_long


def test_the_loop_goes_on_while_a_long_page_is_read() -> None:
    pages = Pool().reader()
    turns: list[int] = []

    def count() -> None:
        while True:
            turns.append(len(turns))
            gevent.sleep(0)

    counter = gevent.spawn(count)
    _, found = pages.read(ROW, line(), ITEMS)
    counter.kill()
    assert len(turns) > 1
    assert len(found.links) == 20_000
    assert found == page.read(ITEMS, URL, CrawlRules(), content_type="text/html")
    assert pages.read(ROW, line(), ITEMS)[1] == found, "its turn has ended"


def test_a_long_page_whose_reader_fails_keeps_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more threads")

    monkeypatch.setattr(ThreadPool, "apply", fail)
    pages = Pool().reader()
    for _ in range(2):
        row, found = pages.read(ROW, line(), ITEMS)
    assert (found.links, row.error) == ({}, "its links: RuntimeError: no more threads")
