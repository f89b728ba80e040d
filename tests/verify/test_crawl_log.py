"""Each line of a crawl's log is judged again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.store.reader import read_part
from fetcher.verify import audit, crawl_links, crawl_log
from fetcher.verify.crawl_log import LogAudit
from fetcher.verify.findings import Findings
from support.crawl_outs import rewrite, rewrite_log
from support.proven_crawls import KEYS, LOG, ONE, SITE, flipped, verdict, whole


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return whole(tmp_path)


# What is changed in a line of the log, and what verify finds, apart from the row that differs.
LINES: list[tuple[int, dict[str, object], set[str]]] = [
    (3, {"url": "http://b.test/2"}, {crawl_log.REFUSED}),
    (3, {"url": ONE}, {crawl_log.SAME_KEY}),
    (3, {"url": f"{SITE}/3"}, {crawl_log.OTHER_KEY}),
    (3, {"url": f"{SITE}/a/a/a/a/a"}, {crawl_log.REFUSED}),
    (3, {"url": "ftp://a.test/"}, {crawl_log.REFUSED}),
    (3, {"depth": 2}, {crawl_log.OTHER_DEPTH, crawl_log.OTHER_COUNTS}),
    (3, {"hops": 1}, {crawl_log.OTHER_DEPTH}),
    (3, {"via": "seed"}, {crawl_log.NOT_A_SEED}),
    (1, {"via": "a"}, {crawl_log.NOT_A_SEED}),
    (4, {"via": "a"}, {crawl_log.OTHER_DEPTH}),
    (5, {"found_on": 3}, {crawl_links.NOT_LINKED}),
    (3, {"found_on": 4}, {crawl_log.NOT_EARLIER, crawl_links.NOT_LINKED}),
    (3, {"found_on": 3}, {crawl_log.NOT_EARLIER, crawl_links.NOT_LINKED}),
]


@pytest.mark.parametrize(("line", "changed", "kinds"), LINES)
def test_a_changed_line_of_the_log_is_found(
    out: Path, line: int, changed: dict[str, object], kinds: set[str]
) -> None:
    rewrite_log(out, line, **changed)
    report = verdict(out)
    assert kinds <= report.counts.keys()
    assert any(f"line {line}" in each for each in report.listed)
    if changed.keys() != {"hops"}:
        assert report.counts.keys() & {audit.OTHER_FINDER, audit.OTHER_URL}


def test_a_line_of_the_log_that_cannot_be_read_is_found(out: Path) -> None:
    rewrite(
        out, LOG, lambda data: data.replace(b'{"url":"http://a.test/2"', b'{"u":"http://a.test/2"')
    )
    assert verdict(out).counts[crawl_log.NOT_PARSED] == 1


def test_a_line_of_the_log_too_much_is_found(out: Path) -> None:
    rewrite(out, LOG, lambda data: data + data.splitlines(keepends=True)[-1])
    report = verdict(out)
    assert report.counts[crawl_log.DAMAGED] == 1
    assert f"line 6: {crawl_log.SAME_KEY}" in report.listed


RULES: list[tuple[dict[str, Any], str]] = [
    ({"max_pages": 4}, "line 5 (max_pages)"),
    ({"max_pages_per_host": 3}, "line 4 (max_pages_per_host)"),
    ({"depth": 1}, "line 5 (depth)"),
    ({"deny": ("/2$",)}, "line 3 (deny)"),
    ({"allow": ("/[12]",)}, "line 4 (allow)"),
    ({"scope": "page"}, "line 2 (scope)"),
    ({"path_depth": 1, "repeated_segments": 1}, "line 5 (path_depth)"),
    ({"url_bytes": 16}, "line 4 (url_bytes)"),
]


@pytest.mark.parametrize(("rules", "where"), RULES)
def test_each_rule_is_judged_again(out: Path, rules: dict[str, Any], where: str) -> None:
    findings = Findings()
    LogAudit(read_part(out), CrawlRules(**rules), findings).run()
    assert f"{where}: {crawl_log.REFUSED}" in findings.listed


def test_a_changed_key_and_a_changed_host_are_found(out: Path) -> None:
    rewrite(out, KEYS, flipped(24 * 2 + 3))
    rewrite(out, KEYS, flipped(24 * 3 + 20))
    report = verdict(out)
    assert report.counts == {crawl_log.OTHER_KEY: 2}
    assert f"line 3: {crawl_log.OTHER_KEY}" in report.listed


def test_missing_and_surplus_keys_are_found(out: Path) -> None:
    whole = (out / KEYS).read_bytes()
    rewrite(out, KEYS, lambda data: data[:-24])
    assert verdict(out).counts == {crawl_log.OTHER_KEY: 1}
    rewrite(out, KEYS, lambda _: whole + bytes(24))
    assert verdict(out).counts == {crawl_log.OTHER_KEY: 1}


def test_what_is_read_is_kept_for_the_other_checks(out: Path) -> None:
    findings = Findings()
    log = LogAudit(read_part(out), CrawlRules(), findings)
    log.run()
    assert findings.counts == {}
    assert log.lines == 5
    assert list(log.finders) == [0, 0, 1, 1, 2, 4]


def test_a_journal_without_the_crawl_is_damage(out: Path) -> None:
    part = read_part(out)
    without = part._replace(view=replace(part.view, crawl=None))
    with pytest.raises(DamageError, match="its journal does not know the crawl"):
        LogAudit(without, CrawlRules(), Findings())


def test_a_log_is_judged_in_pieces_as_it_is_in_one(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl_log, "_AT_ONCE", 2)
    assert verdict(out).counts == {}
    rewrite_log(out, 3, url=ONE)
    assert f"line 3: {crawl_log.SAME_KEY}" in verdict(out).listed
