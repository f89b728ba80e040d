"""Parses lists of outcomes, such as `timeout,dns`.

All options that take outcomes use this parser, so that they take the same words.
"""

from __future__ import annotations

from typing import Final

from fetcher.errors import UsageError
from fetcher.model import Outcome
from fetcher.settings import suggest

FAILED_WORD: Final = "failed"
FAILED: Final = frozenset(Outcome) - {Outcome.OK}
ALL_WORD: Final = "all"
_NOT: Final = "!"


def outcomes_named(text: str) -> frozenset[Outcome]:
    """The outcomes of a list such as `timeout,dns`, `failed` or `!ok`. Raises UsageError.

    `all` means every outcome, `failed` every outcome except ok. A name after `!` is excluded from
    the other names of the list, or from all outcomes if there are no others. Letter case is
    ignored.
    """
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError(f"name at least one outcome: {_choices()}")
    included = [_meant_by(word) for word in words if not word.startswith(_NOT)]
    excluded = [_meant_by(word[1:].strip()) for word in words if word.startswith(_NOT)]
    chosen = frozenset(Outcome) if not included else frozenset[Outcome]().union(*included)
    chosen -= frozenset[Outcome]().union(*excluded)
    if not chosen:
        raise UsageError(f"{text}: leaves no outcome; name at least one: {_choices()}")
    return chosen


def _meant_by(word: str) -> frozenset[Outcome]:
    if word == FAILED_WORD:
        return FAILED
    if word == ALL_WORD:
        return frozenset(Outcome)
    if word in list(Outcome):
        return frozenset({Outcome(word)})
    near = suggest.guess(word, (*Outcome, FAILED_WORD, ALL_WORD))
    raise UsageError(f"{word}: there is no such outcome{near or f'; use {_choices()}'}")


def _choices() -> str:
    return ", ".join((*Outcome, FAILED_WORD, ALL_WORD))
