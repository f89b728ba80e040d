"""Reads what a page asks of robots: whether its links may be followed.

`noindex` means nothing here: a crawl keeps rows, it makes no index for the public.
https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

_TAG: Final = "x-robots-tag"
_NO_FOLLOW: Final = frozenset({"nofollow", "none"})
_WORDS: Final = re.compile(r"[\s,]+")
# `googlebot: nofollow` is for that robot; a rule with a value, as `max-snippet: 5`, is for all.
_NAMED: Final = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*:")
_WITH_VALUE: Final = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)


def is_nofollow(content: str) -> bool:
    """Whether the content of a <meta name=robots> says so."""
    return not _NO_FOLLOW.isdisjoint(_WORDS.split(content.lower()))


def headers_say_nofollow(headers: Collection[tuple[str, str]], agent: str) -> bool:
    """Whether an X-Robots-Tag says so to all robots, or to `agent`, as robots.txt has it.

    A name holds up to the end of its header.
    """
    if _TAG not in " ".join(dict(headers)).lower():  # as of most pages: faster than one by one
        return False
    values = [value for name, value in headers if name.lower() == _TAG]
    return any(is_nofollow(rules) for value in values for rules in _for_us(value, agent.lower()))


def is_for_us(name: str, agent: str) -> bool:
    """Whether a <meta> of this name is for robots, or for `agent`."""
    return name.strip().lower() in ("robots", agent.lower())


def _for_us(value: str, agent: str) -> Iterable[str]:
    named = _NAMED.match(value)
    name = named[1].lower() if named else ""
    if named is None or name in _WITH_VALUE:
        return (value,)
    return (value[named.end() :],) if name in (agent, "robots", "*") else ()
