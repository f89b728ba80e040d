"""The links of a crawl: read whole, and damage is named."""

from __future__ import annotations

from pathlib import Path

import msgpack
import pytest

from fetcher.errors import DamageError, UsageError
from fetcher.frontier.links import Link, packed_kinds
from fetcher.frontier.rules import CrawlRules
from fetcher.input.selection import RETRYABLE, Selection
from fetcher.store import crawl_links
from fetcher.store.crawl_links import RowLinks
from fetcher.store.reader import Part, read_part
from support import outs
from support.crawl_outs import Page, make_crawl, rewrite

HOME, ONE = "http://a.test/", "http://a.test/1"
PAGES = {HOME: Page((Link(ONE), Link("ftp://b.test/"))), ONE: Page((Link(HOME),))}
KIND = packed_kinds(["a"])
RECORDS = [RowLinks(1, [2, ("invalid", "ftp://b.test/", "a")], KIND), RowLinks(2, [1], KIND)]
NAME = "links/part-00000.msgpack"


def part_of(tmp_path: Path, *, segment_bytes: int = 1 << 20) -> Part:
    return read_part(make_crawl(tmp_path / "out", PAGES, [HOME], segment_bytes=segment_bytes))


def test_records_come_in_the_order_of_commits_from_all_files(tmp_path: Path) -> None:
    part = part_of(tmp_path, segment_bytes=1)
    names = ["links/part-00000.msgpack", "links/part-00001.msgpack"]
    assert crawl_links.files_of(part) == names
    assert [list(crawl_links.records_of(part, name)) for name in names] == [
        RECORDS[:1],
        RECORDS[1:],
    ]
    assert list(crawl_links.all_records(part)) == RECORDS


def test_each_record_has_the_position_of_its_first_byte(tmp_path: Path) -> None:
    part = part_of(tmp_path)
    data = (part.out / NAME).read_bytes()
    found = list(crawl_links.positions_of(part, NAME))
    assert [record for _, record in found] == RECORDS
    for position, record in found:
        unpacker = msgpack.Unpacker()
        unpacker.feed(data[position:])
        assert unpacker.unpack()[0] == record.line


def test_a_record_that_is_not_one_is_damage_at_its_byte(tmp_path: Path) -> None:
    part_of(tmp_path)
    begin = len(msgpack.packb(RECORDS[0]))
    rewrite(tmp_path / "out", NAME, lambda data: data[:begin] + msgpack.packb("text"))
    found = crawl_links.all_records(read_part(tmp_path / "out"))
    assert next(found) == RECORDS[0]
    with pytest.raises(DamageError, match=rf"byte {begin} is not a record of links"):
        next(found)


def test_other_bytes_than_were_committed_are_damage_after_the_last_record(tmp_path: Path) -> None:
    part = part_of(tmp_path)
    path = part.out / NAME
    path.write_bytes(path.read_bytes().replace(b"ftp", b"ftq"))
    found = crawl_links.all_records(part)
    assert [next(found).line, next(found).line] == [1, 2]
    with pytest.raises(DamageError, match=r"its bytes are not those that were committed"):
        next(found)


def test_a_job_without_links_is_a_wrong_usage_that_says_why(tmp_path: Path) -> None:
    crawl = part_of(tmp_path)
    crawl_links.require_links(crawl)
    crawl.manifest.crawl = CrawlRules(keep_links=False)
    with pytest.raises(UsageError, match=r"begun with crawl\.keep_links = false"):
        crawl_links.require_links(crawl)
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    listed = read_part(outs.make_out(tmp_path / "list", urls, []))
    with pytest.raises(UsageError, match=r"list: is a list, and holds no links"):
        crawl_links.require_links(listed)
    listed.manifest.selection = Selection("/parent", "job", RETRYABLE, 1, "")
    with pytest.raises(UsageError, match=r"is a retry of lines, and holds no links"):
        crawl_links.require_links(listed)


def test_records_of_an_older_crawl_have_the_kinds_of_refused_links_alone(tmp_path: Path) -> None:
    part_of(tmp_path)
    old = msgpack.packb([1, [2, ["scope", "http://b.test/", "image"]]])
    rewrite(tmp_path / "out", NAME, lambda _: old)
    (record,) = crawl_links.all_records(read_part(tmp_path / "out"))
    assert record.vias() == [None, "image"]


def test_a_record_with_another_number_of_kinds_is_damage(tmp_path: Path) -> None:
    part_of(tmp_path)
    rewrite(tmp_path / "out", NAME, lambda _: msgpack.packb([1, [2, 3, 2], b"\x06\x06"]))
    with pytest.raises(DamageError, match="2 kinds of 3 links"):
        list(crawl_links.all_records(read_part(tmp_path / "out")))
