"""Traps: which URLs a crawl takes for pages without end."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher import web_urls
from fetcher.frontier import traps
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.frontier.traps import Traps


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", None),
        ("a/b/a/b/a/b", None),
        ("a/b/a/b/a/b/a", Refusal.REPEATED_SEGMENTS),
        ("a/a/a/a", Refusal.REPEATED_SEGMENTS),
        ("a/a/a/a/", Refusal.REPEATED_SEGMENTS),
        ("////////", None),
        ("/".join("abcdefghijklmnopqrst"), None),
        ("/".join("abcdefghijklmnopqrst") + "/", None),
        ("/".join("abcdefghijklmnopqrstu"), Refusal.PATH_DEPTH),
        ("x?a/a/a/a/a/a", None),
        ("x" * 2039, None),
        ("x" * 2040, Refusal.URL_BYTES),
    ],
)
def test_a_path_that_grows_without_end_is_a_trap(path: str, reason: Refusal | None) -> None:
    assert Traps(CrawlRules()).refusal(f"http://a/{path}") == reason


def by_counting(url: str, rules: CrawlRules) -> Refusal | None:
    """The rule as the settings say it."""
    if len(url) > rules.url_bytes:
        return Refusal.URL_BYTES
    segments = [segment for segment in web_urls.path_of(url).split("/") if segment]
    if len(segments) > rules.path_depth:
        return Refusal.PATH_DEPTH
    is_repeated = max(Counter(segments).values(), default=0) > rules.repeated_segments
    return Refusal.REPEATED_SEGMENTS if is_repeated else None


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["", "a", "b", "c?", "d"]), max_size=9), max_size=9),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(16, 30),
)
def test_folders_that_were_seen_before_change_nothing(
    paths: list[list[str]], path_depth: int, repeated: int, url_bytes: int
) -> None:
    rules = CrawlRules(path_depth=path_depth, repeated_segments=repeated, url_bytes=url_bytes)
    known = Traps(rules)
    for path in paths:
        url = "http://h/" + "/".join(path)
        assert known.refusal(url) == by_counting(url, rules)


def test_only_so_many_folders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traps, "_KNOWN_FOLDERS", 10)
    known = Traps(CrawlRules())
    for number in range(100):
        assert known.refusal(f"http://h/a/b/c/{number}/x") is None
        assert known.refusal(f"http://h/{number}/a/a/a/a") is Refusal.REPEATED_SEGMENTS
    assert len(known._folders) <= 10
