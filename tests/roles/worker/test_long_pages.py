"""Long pages are read in a thread, so that the loop of the worker goes on; short ones are not."""

from __future__ import annotations

import gzip

import gevent
import pytest
from gevent.threadpool import ThreadPool
from msgspec.structs import replace

from fetcher.frontier.rules import CrawlRules
from fetcher.model import Found, Outcome, Result, Task
from fetcher.roles.worker.page_reader import PageReader
from fetcher.settings.schema import Settings

URL = "http://a.test/"
TASK = Task(3, URL, found=Found(1, 1, "a"))
SITEMAP = Task(3, URL, found=Found(1, 1, "sitemap"))
HEADERS = [("Content-Type", "text/html")]
ROW = Result(3, URL, Outcome.OK, 200, URL, headers=HEADERS, content_type="text/html")
IMAGE = replace(ROW, headers=[("Content-Type", "image/png")], content_type="image/png")
ITEMS = b"".join(b"<li><a href='/%d'>x</a></li>\n" % number for number in range(20_000))


def reader() -> PageReader:
    return PageReader(CrawlRules(sitemaps=True), Settings())


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
def test_a_page_is_long_by_its_size(
    row: Result, task: Task, body: bytes | None, is_long: bool
) -> None:
    assert reader().is_long(row, task, body) is is_long


def test_the_loop_goes_on_while_a_long_page_is_read() -> None:
    pages = reader()
    turns: list[int] = []

    def count() -> None:
        while True:
            turns.append(len(turns))
            gevent.sleep(0)

    counter = gevent.spawn(count)
    with pages.turn:
        _, found = pages.read(ROW, TASK, ITEMS, is_long=True)
    counter.kill()
    assert len(turns) > 1
    assert len(found.links) == 20_000
    assert found == pages.read(ROW, TASK, ITEMS)[1]


def test_a_long_page_whose_reader_fails_keeps_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more threads")

    monkeypatch.setattr(ThreadPool, "apply", fail)
    row, found = reader().read(ROW, TASK, ITEMS, is_long=True)
    assert (found.links, row.error) == ({}, "its links: RuntimeError: no more threads")
