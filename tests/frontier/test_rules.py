"""The rules of a crawl survive the wire, and a wrong one is said clearly."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.frontier.rules import CrawlRules


def test_rules_go_over_the_wire_and_into_the_manifest() -> None:
    rules = CrawlRules(scope="domain", deny=("x$",), depth=3, drop_params=("@tracking",))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(rules), type=CrawlRules) == rules
    assert msgspec.json.decode(msgspec.json.encode(rules), type=CrawlRules) == rules
    assert msgspec.json.encode(CrawlRules()) == b"{}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"allow": ["("]}, "allow: '(' is not a regular expression: missing ): ("),
        ({"deny": ["ok", "*x"]}, "deny: '*x' is not a regular expression: no argument for"),
        ({"deny": ["x{99999999999}"]}, "is not a regular expression: {99999999999} does not"),
        ({"deny": ["x" * 1001]}, "length <= 1000"),
        ({"deny": ["x"] * 101}, "length <= 100"),
        ({"deny": [""]}, "length >= 1"),
        ({"scope": "planet"}, "Invalid enum value 'planet'"),
        ({"depth": -1}, "`int` >= 0"),
        ({"max_pages": 0}, "`int` >= 1"),
        ({"max_pages": 2**32}, "`int` <= 4294967294"),
        ({"detph": 1}, "unknown field `detph`"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_reason(given: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, CrawlRules)
    assert said in str(caught.value)
