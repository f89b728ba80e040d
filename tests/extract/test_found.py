"""Links of one body are gathered up to its limits."""

from __future__ import annotations

import pytest

from fetcher.extract.found import Collector
from fetcher.frontier.links import OneKind, Via
from fetcher.frontier.totals import Refusal


def test_each_url_is_kept_once_as_it_was_found_first() -> None:
    collector = Collector(10, 100, frozenset())
    for url, via in (("b", Via.A), ("a", Via.IMAGE), ("b", Via.FRAME)):
        collector.add(url, via)
    assert list(collector.links.items()) == [("b", Via.A), ("a", Via.IMAGE)]
    assert collector.left_out == {}
    collector.add_all(["c", None, "a", "c", "d"], (Via.AREA, False))
    assert list(collector.links.items())[2:] == [("c", Via.AREA), ("d", Via.AREA)]
    assert collector.links["a"] is Via.IMAGE
    assert collector.left_out == {}


def test_links_beyond_the_limits_are_counted_by_reason() -> None:
    collector = Collector(2, 3, frozenset({Via.FRAME}))
    for url in ("aaa", "aaaa", "b", "c", "d", "aaa"):
        collector.add(url, Via.A)
    collector.add("f", Via.FRAME)
    assert list(collector.links) == ["aaa", "b"]
    assert collector.left_out == {
        Refusal.URL_BYTES: 1,
        Refusal.LINKS_PER_PAGE: 2,
        Refusal.NOFOLLOW: 1,
    }


@pytest.mark.parametrize(
    ("urls", "is_nofollow", "kept", "left_out"),
    [
        (["a", "b"], False, ["x", "a", "b"], {}),
        (["a", "b", None, "a", "x"], False, ["x", "a", "b"], {}),
        (["a", "b", "c", "a", "x"], False, ["x", "a", "b"], {Refusal.LINKS_PER_PAGE: 1}),
        (["a", "long", "b", "long"], False, ["x", "a", "b"], {Refusal.URL_BYTES: 2}),
        (["a", "x", None], True, ["x"], {Refusal.NOFOLLOW: 1}),
    ],
)
def test_many_links_are_added_as_one_by_one(
    urls: list[str | None], is_nofollow: bool, kept: list[str], left_out: dict[Refusal, int]
) -> None:
    together, alone = (Collector(3, 3, frozenset({Via.FRAME})) for _ in range(2))
    together.add("x", Via.IMAGE)
    together.add_all(urls, (Via.A, is_nofollow))
    alone.add("x", Via.IMAGE)
    for url in urls:
        alone.add_all([url], (Via.A, is_nofollow))
    assert list(together.links) == kept
    assert together.left_out == left_out
    assert (together.links, together.left_out) == (alone.links, alone.left_out)


def test_links_that_were_not_gathered_one_by_one_are_counted_too() -> None:
    collector = Collector(2, 3, frozenset())
    collector.leave_out(Refusal.NOFOLLOW, 0)
    assert collector.left_out == {}
    collector.leave_out(Refusal.NOFOLLOW, 4)
    collector.leave_out(Refusal.NOFOLLOW)
    assert collector.left_out == {Refusal.NOFOLLOW: 5}


@pytest.mark.parametrize(
    ("via", "most_chars", "before", "is_added"),
    [
        (Via.A, 3, [], True),
        (Via.A, 4, [], False),
        (Via.A, 3, ["x"], False),
        (Via.FRAME, 3, [], False),
    ],
)
def test_links_of_one_kind_are_added_at_once_within_the_limits(
    via: Via, most_chars: int, before: list[str], is_added: bool
) -> None:
    collector = Collector(3, 3, frozenset({Via.FRAME}))
    collector.add_all(before, (Via.A, False))
    assert collector.add_at_once(OneKind("a\nb\n", 2, via), most_chars) is is_added
    assert collector.links == dict.fromkeys(["a", "b"] if is_added else before, via)
    assert collector.room == 3 - len(collector.links)


def test_more_links_are_not_added_at_once_than_there_may_be() -> None:
    collector = Collector(1, 3, frozenset())
    assert not collector.add_at_once(OneKind("a\nb\n", 2, Via.A), 1)
    assert (collector.links, collector.left_out) == ({}, {})


def test_links_follow_those_that_were_added_at_once() -> None:
    collector = Collector(4, 3, frozenset())
    assert collector.add_at_once(OneKind("a\nb\n", 2, Via.A), 1)
    assert not collector.add_at_once(OneKind("c\n", 1, Via.A), 1)
    collector.add_all(["b", "c"], (Via.AREA, False))
    collector.add("a", Via.CSS)
    collector.add("d", Via.CSS)
    assert list(collector.links.items()) == [
        ("a", Via.A),
        ("b", Via.A),
        ("c", Via.AREA),
        ("d", Via.CSS),
    ]
