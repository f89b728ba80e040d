"""The log of a crawl is built from its files when a sink starts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from fetcher.commit.growth import Growth
from fetcher.commit.levels import LevelGrowth
from fetcher.errors import ConflictError
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.roles.sink import crawl_recovery
from fetcher.store.output_dir import Store
from fetcher.store.reader import read_part
from support.crawl_outs import Page, make_crawl

HOME, ONE = "http://a.test/", "http://a.test/1"
PAGES = {HOME: Page((Link(ONE),))}


def edges(tmp_path: Path, rules: CrawlRules, *urls: str) -> list[object]:
    """What becomes of these links of line 1 after a restart."""
    out = make_crawl(tmp_path / "out", PAGES, [HOME], rules)
    with contextlib.closing(Store(out, read_part(out).manifest, 1 << 20)) as store:
        growth = crawl_recovery.growth_of(rules, store)
        assert type(growth) is (LevelGrowth if rules.order == "levels" else Growth)
        (admitted,) = growth._frontier.offer_rows([RowLinks(1, 0, tuple(map(Link, urls)))])
        return list(admitted.edges)


@pytest.mark.parametrize("rules", [CrawlRules(), CrawlRules(order="levels")])
def test_keys_and_seeds_are_known_after_a_restart(tmp_path: Path, rules: CrawlRules) -> None:
    found = edges(tmp_path, rules, ONE, HOME, "http://a.test/2", "http://b.test/")
    assert found == [2, 1, 3, (Refusal.SCOPE, "http://b.test/", "a")]


def test_a_crawl_of_any_scope_needs_no_seeds(tmp_path: Path) -> None:
    assert edges(tmp_path, CrawlRules(scope="any"), ONE, "http://b.test/") == [2, 3]


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    crawl_recovery.require_libraries()
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "fetcher.lean_numpy")
    monkeypatch.delattr("fetcher.lean_numpy")
    with pytest.raises(
        ConflictError, match=r"the sink of a crawl.*numpy|numpy.*the sink of a crawl"
    ):
        crawl_recovery.require_libraries()
