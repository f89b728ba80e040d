"""URLs that a crawl takes for those of a site without end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.frontier.traps import is_too_long, trap


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", None),
        ("a/b/a/b/a/b", None),
        ("a/b/a/b/a/b/a", Refusal.REPEATED_SEGMENTS),
        ("a/a/a/a", Refusal.REPEATED_SEGMENTS),
        ("////////", None),
        ("/".join("abcdefghijklmnopqrst"), None),
        ("/".join("abcdefghijklmnopqrstu"), Refusal.PATH_DEPTH),
        ("x?a/a/a/a/a/a", None),
    ],
)
def test_a_path_that_grows_without_end_is_a_trap(path: str, reason: Refusal | None) -> None:
    assert trap(f"http://a/{path}", CrawlRules()) == reason


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a", None), ("a/a", Refusal.REPEATED_SEGMENTS), ("a/b", None), ("a/b/c", Refusal.PATH_DEPTH)],
)
def test_the_limits_are_those_of_the_rules(path: str, reason: Refusal | None) -> None:
    assert trap(f"http://a/{path}", CrawlRules(path_depth=2, repeated_segments=1)) == reason


@given(
    segments=st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12),
    path_depth=st.integers(1, 8),
    repeated=st.integers(1, 4),
)
def test_a_trap_is_what_the_counts_of_segments_say(
    segments: list[str], path_depth: int, repeated: int
) -> None:
    rules = CrawlRules(path_depth=path_depth, repeated_segments=repeated)
    named = [segment for segment in segments if segment]
    expected = None
    if len(named) > path_depth:
        expected = Refusal.PATH_DEPTH
    elif any(named.count(segment) > repeated for segment in named):
        expected = Refusal.REPEATED_SEGMENTS
    assert trap(f"http://host/{'/'.join(segments)}?a/a/a/a/a/a", rules) == expected


def test_a_url_may_be_as_long_as_the_limit() -> None:
    rules = CrawlRules(url_bytes=20)
    assert not is_too_long("http://a/" + "x" * 11, rules)
    assert is_too_long("http://a/" + "x" * 12, rules)
