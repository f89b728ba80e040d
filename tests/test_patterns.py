"""Users' expressions find what they say, and no text makes the search long."""

from __future__ import annotations

import pytest

from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import Refusal
from fetcher.patterns import PatternError, Patterns


@pytest.mark.parametrize(
    ("patterns", "text", "is_found"),
    [
        ((), "x", False),
        (("",), "", True),
        ((r"\.pdf$",), "http://h/a.pdf", True),
        ((r"\.pdf$",), "http://h/a.pdf?x", False),
        (("nothing", r"/\d{4}/"), "http://h/2026/x", True),
        (("nothing", r"/\d{4}/"), "http://h/202/x", False),
        ((r"(?i)PRINT=1|/tag/",), "http://h/?print=1", True),
        ((r"(?P<year>20\d\d)\b",), "in 2026", True),
        ((r"a\{,3}",), "a{,3}", True),
        (("caf\u00e9",), "un caf\u00e9 \ud800", True),
    ],
)
def test_an_expression_is_found_anywhere(
    patterns: tuple[str, ...], text: str, is_found: bool
) -> None:
    assert Patterns(patterns).found_in(text) is is_found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "'(' is not a regular expression: missing ): ("),
        ("*x", "'*x' is not a regular expression: no argument for repetition operator: *"),
        ("[a", "missing ]: [a"),
        ("x{,3}", "{,3} does not repeat: write {0,N} for {,N}, and at most 1000"),
        ("x{99999999999}", "{99999999999} does not repeat"),
        ("x{1001}", "invalid repetition size: {1001}"),
        ("(?!x)y", "invalid perl operator: (?!; RE2 has no look-around"),
        ("(?<=x)y", "RE2 has no look-around"),
        (r"(x)\1", "invalid escape sequence: \\1; RE2 has no look-around, atomic groups and back-"),
        ("x++", "bad repetition operator: ++"),
        ("\ud800", "it holds half a character"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_the_reason(
    pattern: str, said: str
) -> None:
    with pytest.raises(PatternError) as caught:
        Patterns((pattern,))
    assert said in str(caught.value)


def test_expressions_that_need_too_much_memory_are_refused_before_they_are_used() -> None:
    with pytest.raises(PatternError, match="need more than 8388608 bytes of memory; give fewer"):
        Patterns(("[^a]{1000}" * 50 + "0",))


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*/)*b$", "(a|a)*[^a/]$", "(x?){500}y$"])
def test_no_link_takes_long_to_judge(pattern: str) -> None:
    """Python's `re` takes longer than anybody lives for each of these."""
    scope = ScopeRules(CrawlRules(scope="any", deny=(pattern, "none")), 1)
    url = "http://h/" + "a/x" * 600 + "a" * 200 + "!"
    assert scope.refusal(url, "h", True, "a") in (None, Refusal.DENY)
