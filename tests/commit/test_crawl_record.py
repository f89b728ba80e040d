"""The state of a crawl in the journal: it comes back as it was, also from an older version."""

from __future__ import annotations

import msgspec

from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.frontier.totals import CrawlTotals


def test_the_record_comes_back_as_it_was() -> None:
    totals = CrawlTotals(links=9, lines={0: 1, 3: 2}, refused={"scope": 4})
    record = CrawlRecord(2**63, 5, True, 4, 9, 8, totals, Level(2, 30, True, 7, 6))
    assert msgspec.json.decode(msgspec.json.encode(record), type=CrawlRecord) == record


def test_a_record_that_lacks_what_came_later_has_the_defaults() -> None:
    record = msgspec.json.decode(b'{"key_seed": 3, "lines": 2}', type=CrawlRecord)
    assert record == CrawlRecord(3, lines=2)
    assert (record.level, record.totals) == (Level(), CrawlTotals())


def test_two_commits_share_no_list() -> None:
    one = Appended()
    one.log.append(b"x")
    assert Appended().log == []
