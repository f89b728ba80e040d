"""Searches texts by users' regular expressions, in time that grows with the text alone.

The syntax is RE2's: an expression that could take very long, as some do in Python's `re`, cannot be
written in it. URLs and rows come from strangers, so that a search without this bound may never end.
The same expressions find the same texts on every machine. https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

# RE2 takes {,3} and {99999} for characters; who writes them means repetitions.
_NOT_REPEATED: Final = re.compile(r"(?<!\\)(?:\\\\)*(\{(?:,\d+|\d{5,},?\d*|\d+,\d{5,})\})")
_NOT_IN_RE2: Final = re.compile(r"invalid perl operator: \(\?<?[=!>]|invalid escape sequence: \\\d")
_NO_SUCH: Final = "RE2 has no look-around, atomic groups and back-references"
_REPEAT: Final = "write {0,N} for {,N}, and at most 1000"
_MEMORY_BYTES: Final = 8 * 1024 * 1024  # RE2's own limit, for all expressions together


class PatternError(ValueError):
    """An expression cannot be used; the text names it and says why."""


class Patterns:
    """Some regular expressions, which are searched for at once."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        """Raises PatternError."""
        self._match = _matcher(texts) if texts else None

    def __bool__(self) -> bool:
        return self._match is not None

    def found_in(self, text: str) -> bool:
        """Whether one of the expressions is found anywhere in this text."""
        if self._match is None:
            return False
        found = self._match(text.encode("utf-8", "replace"))
        if not found:  # not even the one that every text has
            raise MemoryError(f"regular expressions need more than {_MEMORY_BYTES} bytes of memory")
        return len(found) > 1


@functools.lru_cache(16)
def _matcher(texts: tuple[str, ...]) -> Callable[[bytes], list[int] | None]:
    # Most jobs have no expressions.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    for text in texts:
        _require_valid(text, re2, options)
    found = re2.Set.SearchSet(options)
    # A set that lacks memory finds nothing, and says nothing: all texts have this one.
    for text in ("", *texts):
        found.Add(text)
    try:
        found.Compile()
        is_usable = bool(found.Match(b""))
    except re2.error:
        is_usable = False
    if not is_usable:
        said = f"{len(texts)} regular expressions need more than {_MEMORY_BYTES} bytes of memory"
        raise PatternError(f"{said}; give fewer or shorter ones")
    match: Callable[[bytes], list[int] | None] = found.Match
    return match


def _require_valid(text: str, re2: Any, options: Any) -> None:
    begin = f"{text[:80]!r} is not a regular expression"
    not_repeated = _NOT_REPEATED.search(text)
    if not_repeated is not None:
        raise PatternError(f"{begin}: {not_repeated[1]} does not repeat: {_REPEAT}")
    try:
        re2.compile(text, options)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        if _NOT_IN_RE2.match(why):
            why += f"; {_NO_SUCH}"
        raise PatternError(f"{begin}: {why}") from None
    except UnicodeEncodeError:
        raise PatternError(f"{begin}: it holds half a character") from None
