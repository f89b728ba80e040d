"""A crawl by levels: each line has its shortest depth, and the log is the same at every run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.commit import levels
from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.commit.levels import LevelGrowth
from fetcher.errors import DamageError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.links import Link, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import CrawlTotals, Refusal
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from support.growing import seeds

RULES = CrawlRules(scope="any", order="levels")
Web = Mapping[str, Sequence[Link]]
Log = list[tuple[str, int, int]]  # URL, depth and finder of each line


class Crawled(NamedTuple):
    """What a crawl leaves: its log, its counts, and what became of each link."""

    log: Log
    totals: CrawlTotals
    edges: list[bytes]


class Files:
    """See commit.growth.CrawlFiles; holds what was committed, as a restart finds it."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.keys: list[bytes] = []
        self.found: list[bytes] = []
        self.edges: list[bytes] = []
        self.record = CrawlRecord(1)
        self._written = Appended()

    def append(self, what: Appended, level: Level) -> None:
        assert level == self.record.level
        self._written = what

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        return [text[:-1] for text in self.log[first - 1 : end - 1]]

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        assert sum(map(len, self.found)) == level.found_bytes
        rows = [levels.unpacked(data[levels.HEAD_BYTES :], "found") for data in self.found]
        return iter(
            sorted((row for row in rows if row.line > level.judged_to), key=lambda row: row.line)
        )

    def begin(self) -> LevelGrowth:
        """Begin, or go on after a restart."""
        frontier = Frontier(RULES, 1)
        frontier.recover(b"".join(self.keys), self.record.seed_lines)
        return LevelGrowth(RULES, frontier, self.record, self)

    def commit(self, growth: LevelGrowth) -> None:
        growth.write()
        record = growth.record()
        if record.level.number != self.record.level.number:
            self.found = []
        self.log += b"".join(self._written.log).splitlines(keepends=True)
        self.keys += self._written.keys
        self.found += self._written.found
        self.edges += self._written.edges
        self.record = record
        growth.publish(record)

    def lines(self) -> list[LogLine]:
        return [log_lines.decode(text) for text in self.log]

    def row(self, line: int, web: Web) -> RowLinks:
        entry = self.lines()[line - 1]
        return RowLinks(line, entry.depth, tuple(web.get(entry.url, ())), entry.hops)


def crawled(
    web: Web, *first: str, dice: random.Random | None = None, restarts: bool = False
) -> Crawled:
    """Crawl this web; rows come in the order of lines, or as the dice say."""
    files = Files()
    growth = files.begin()
    growth.seeds(0, seeds(*first), at_end=True)
    files.commit(growth)
    done = 0
    for _ in range(1000):
        lines = list(range(done + 1, growth.committed.ready_lines + 1))
        done = growth.committed.ready_lines
        if dice is not None:
            dice.shuffle(lines)
        for line in lines:
            growth.found([files.row(line, web)])
            files.commit(growth)
            growth = files.begin() if restarts else growth
        if not growth.extend():
            log = [(line.url, line.depth, line.found_on) for line in files.lines()]
            return Crawled(log, files.record.totals, files.edges)
        files.commit(growth)
        growth = files.begin() if restarts else growth
    raise AssertionError("the crawl does not end")


def url(name: str) -> str:
    return f"http://{name}/"


def link(name: str, via: Via = Via.A) -> Link:
    return Link(url(name), via)


def test_links_wait_until_each_line_of_the_level_has_its_row() -> None:
    files = Files()
    growth = files.begin()
    growth.seeds(0, seeds(url("a"), url("b")), at_end=True)
    files.commit(growth)
    growth.found([RowLinks(2, 0, (link("d"),))])
    files.commit(growth)
    assert (growth.committed.lines, growth.committed.level.found_bytes > 0) == (2, True)
    growth.found([RowLinks(1, 0, (link("c"),))])
    files.commit(growth)
    assert growth.committed.lines == 2


def test_links_are_judged_in_the_order_of_their_finders() -> None:
    web = {url("a"): [link("c"), link("d")], url("b"): [link("d"), link("e")]}
    log = crawled(web, url("a"), url("b"), dice=random.Random(2)).log
    assert log[2:] == [(url("c"), 1, 1), (url("d"), 1, 1), (url("e"), 1, 2)]


def test_a_redirect_that_is_found_later_still_gives_the_smaller_depth() -> None:
    web = {url("a"): [link("x")], url("b"): [link("c", Via.REDIRECT)]}
    web[url("c")] = [link("x", Via.REDIRECT)]
    log = crawled(web, url("a"), url("b")).log
    assert log == [(url("a"), 0, 0), (url("b"), 0, 0), (url("c"), 0, 2), (url("x"), 0, 3)]


def test_new_lines_are_handed_out_only_when_a_step_is_judged_whole() -> None:
    files = Files()
    growth = files.begin()
    growth.seeds(0, seeds(url("a")), at_end=True)
    files.commit(growth)
    growth.found([RowLinks(1, 0, (link("b", Via.REDIRECT), link("c")))])
    files.commit(growth)
    seen = []
    while growth.extend():
        files.commit(growth)
        record = growth.committed
        seen.append((record.lines, record.ready_lines, record.level.number))
    assert seen == [
        (2, 1, 0),  # the redirect is judged
        (2, 2, 0),  # and its line may be handed out
        (2, 2, 0),  # its row has no links: now the link of line 1
        (3, 2, 0),
        (3, 3, 1),
        (3, 3, 1),  # the links of line 3
    ]


def test_a_row_without_links_leaves_no_record() -> None:
    files = Files()
    growth = files.begin()
    growth.found([RowLinks(1, 0, ())])
    assert not growth.pending.found
    growth.found([RowLinks(1, 0, (), 0, {Refusal.NOFOLLOW: 2})])
    assert len(growth.pending.found) == 1


def test_links_that_a_worker_left_out_are_counted_once() -> None:
    files = Files()
    growth = files.begin()
    growth.seeds(0, seeds(url("a")), at_end=True)
    growth.found([RowLinks(1, 0, (link("b"),), 0, {Refusal.NOFOLLOW: 2})])
    files.commit(growth)
    while growth.extend():
        files.commit(growth)
    assert files.record.totals.refused == {"nofollow": 2}
    assert files.record.totals.links == 1 + 3


def test_the_end_of_the_last_level_is_judged_once() -> None:
    files = Files()
    growth = files.begin()
    growth.seeds(0, seeds(url("a")), at_end=True)
    files.commit(growth)
    growth.found([RowLinks(1, 0, (link("a"),))])
    files.commit(growth)
    while growth.extend():
        files.commit(growth)
    assert not growth.extend()
    assert (growth.committed.level.found_bytes, files.found) == (0, [])


_NAMES = st.sampled_from("abcdef")
_LINKS = st.lists(
    st.builds(link, _NAMES, st.sampled_from([Via.A, Via.REDIRECT, Via.IMAGE])), max_size=4
)
_WEBS = st.dictionaries(_NAMES.map(url), _LINKS)


@settings(max_examples=50)
@given(web=_WEBS, dice=st.randoms(use_true_random=False))
def test_the_log_is_the_same_in_whatever_order_rows_come(web: Web, dice: random.Random) -> None:
    assert crawled(web, url("a"), url("b"), dice=dice) == crawled(web, url("a"), url("b"))


@settings(max_examples=50)
@given(web=_WEBS)
def test_a_restart_after_any_commit_changes_nothing(web: Web) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_ROWS", 2)  # more than one commit for each step
        assert crawled(web, url("a"), url("b"), restarts=True) == crawled(web, url("a"), url("b"))


def shortest(web: Web, *first: str) -> dict[str, int]:
    """The least number of links with a depth of their own from a seed to each URL."""
    depths = dict.fromkeys(first, 0)
    for _ in range(20):
        for page in list(depths):
            for each in web.get(page, ()):
                depth = depths[page] + (each.via is Via.A)
                depths[each.url] = min(depths.get(each.url, 99), depth)
    return depths


@settings(max_examples=50)
@given(web=_WEBS)
def test_each_line_has_its_shortest_depth(web: Web) -> None:
    log = crawled(web, url("a"), url("b")).log
    assert {found: depth for found, depth, _ in log} == shortest(web, url("a"), url("b"))


@settings(max_examples=30)
@given(
    line=st.integers(1, 1 << 62),
    depth=st.integers(0, 1 << 31),
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))),
    left_out=st.dictionaries(st.sampled_from(Refusal), st.integers(1, 9)),
)
def test_a_record_of_a_level_is_read_as_it_was_written(
    line: int, depth: int, texts: list[str], left_out: dict[Refusal, int]
) -> None:
    row = RowLinks(line, depth, tuple(Link(text, Via.NEXT) for text in texts), 3, left_out)
    data = levels.packed(row)
    assert levels.head(data[: levels.HEAD_BYTES]) == (line, len(data) - levels.HEAD_BYTES)
    assert levels.unpacked(data[levels.HEAD_BYTES :], "f") == row


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x05", levels.packed(RowLinks(1, 0, ()))])
def test_a_damaged_record_names_its_file(data: bytes) -> None:
    with pytest.raises(DamageError, match=r"level-00001\.found: is damaged .*restore a backup"):
        levels.unpacked(data, "level-00001.found")
