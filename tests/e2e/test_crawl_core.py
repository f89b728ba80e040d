"""A crawl by the real ventilator and sink, killed in the middle, with a scripted worker."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import pytest

from fetcher.frontier.links import SAME_DEPTH, Link
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.store import journal
from support import jobs
from support.crawling import CrawlRoles, Pages, crawling
from support.waiting import wait_until

KILLS = ((20, "sink"), (60, "ventilator"), (100, "sink"))  # after so many committed rows


def make_pages(count: int) -> dict[str, tuple[Link, ...]]:
    """Pages of three hosts, each with links to others, and some to another site."""
    dice = random.Random(count)
    urls = [f"http://h{n % 3}.test/{n}" for n in range(count)]
    pages = {}
    for n, url in enumerate(urls):
        ahead = [urls[min(n + step, count - 1)] for step in (1, 2, 7)]
        found = [Link(url, dice.choice(("a", "a", "redirect"))) for url in dict.fromkeys(ahead)]
        found.append(Link(dice.choice(urls)))
        found.append(Link(f"http://elsewhere.test/{n % 5}"))
        pages[url] = tuple(found)
    return pages


def has_rows(roles: CrawlRoles, rows: int) -> bool:
    return roles.rows >= rows


def read_log(out: Path) -> list[LogLine]:
    parts = sorted((out / "frontier").glob("part-*.jsonl"))
    return [log_lines.decode(line) for part in parts for line in part.read_bytes().splitlines()]


def require_whole(out: Path, pages: Pages) -> list[LogLine]:
    """Each page is one line of the log, found on an earlier one, and has one row."""
    log = read_log(out)
    assert sorted(entry.url for entry in log) == sorted(pages)
    for line, entry in enumerate(log, 1):
        if not entry.found_on:
            assert entry.depth == 0
            continue
        finder = log[entry.found_on - 1]
        assert entry.found_on < line
        assert Link(entry.url, entry.via) in pages[finder.url]
        assert entry.depth == finder.depth + (entry.via not in SAME_DEPTH)
    rows = {row.line: row for row in jobs.rows(out)}
    assert len(jobs.rows(out)) == len(rows) == len(log)
    for line, entry in enumerate(log, 1):
        row = rows[line]
        assert (row.url, row.depth, row.via) == (entry.url, entry.depth, entry.via)
    view = journal.view(out / "journal.sqlite")
    assert view.crawl is not None
    assert view.crawl.lines == view.recovered.totals.rows == len(log)
    assert view.crawl.totals.refused["scope"] >= 5
    verdict = jobs.call("verify", out)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert f"proven: {len(log)} URL lines, {len(log)} rows, one each" in verdict.stdout
    return log


@pytest.mark.parametrize("order", ["log", "levels"])
def test_a_crawl_survives_kills_of_ventilator_and_sink(tmp_path: Path, order: str) -> None:
    pages = make_pages(150)
    rules = CrawlRules(order="levels" if order == "levels" else "log")
    seeds = "http://h0.test/0\nhttp://h1.test/1\nhttp://h2.test/2\nhttp://h0.test/0#again\n"
    with crawling(tmp_path, seeds, rules) as roles, roles.worker(pages):
        for rows, role in KILLS:
            wait_until(functools.partial(has_rows, roles, rows), 60)
            roles.kill(role)
            roles.start(role)
        roles.wait("ventilator")
        roles.wait("sink")
    log = require_whole(roles.out, pages)
    assert len(jobs.rows(roles.out)) == 150
    if order == "levels":
        assert [entry.depth for entry in log] == sorted(entry.depth for entry in log)


def test_without_faults_each_line_is_fetched_once_and_the_budget_holds(tmp_path: Path) -> None:
    pages = make_pages(100)
    with (
        crawling(tmp_path, "http://h0.test/0\n", CrawlRules(max_pages=50, scope="any")) as roles,
        roles.worker(pages) as worker,
    ):
        roles.wait("ventilator")
        roles.wait("sink")
    log = read_log(roles.out)
    assert len(log) == len(jobs.rows(roles.out)) == len(worker.fetched) == 50
    assert len({entry.url for entry in log}) == 50
