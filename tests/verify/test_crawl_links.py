"""The kept links of a crawl lead to lines of its log, and one of them found each line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from fetcher.verify import crawl_links, crawl_log
from support.crawl_outs import rewrite
from support.proven_crawls import LINKS, verdict, whole


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return whole(tmp_path)


def changed_links(out: Path, edit: Callable[[list[list[Any]]], None]) -> dict[str, int]:
    """What is found after a change of the records of links."""

    def rewritten(data: bytes) -> bytes:
        unpacker = msgpack.Unpacker()
        unpacker.feed(data)
        records = list(unpacker)
        edit(records)
        return b"".join(map(msgpack.packb, records))

    rewrite(out, LINKS, rewritten)
    return verdict(out).counts


def test_links_that_lead_nowhere_or_are_of_no_page_are_found(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[1][1][0] = 6  # HOME before
        records[2][0] = 9  # TWO before

    assert changed_links(out, edit) == {
        crawl_links.NO_TARGET: 1,
        crawl_links.NO_PAGE: 1,
        crawl_log.OTHER_COUNTS: 1,
    }


def test_a_missing_link_is_found_by_the_line_that_it_made(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[3][1][0] = 1  # DEEP before

    assert changed_links(out, edit) == {crawl_links.NOT_LINKED: 1}


def test_links_that_were_recorded_twice_are_found(out: Path) -> None:
    found = changed_links(out, lambda records: records.append(records[2]))
    assert found == {crawl_links.TWICE: 1, crawl_log.OTHER_COUNTS: 1}


def test_another_reason_of_a_refusal_is_found(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[0][1][2][0] = "deny"

    assert changed_links(out, edit) == {crawl_log.OTHER_COUNTS: 1}


def test_a_refused_link_that_the_journal_did_not_count_is_found(out: Path) -> None:
    def edit(records: list[list[Any]]) -> None:
        records[0][1].append(["scope", "http://b.test/x", "a"])

    assert changed_links(out, edit) == {crawl_log.OTHER_COUNTS: 2}, "the reason, and all links"
