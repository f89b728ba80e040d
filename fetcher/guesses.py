"""What was likely meant: guesses at mistyped words, as questions for people."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from fetcher import declared


def near(key: str) -> str:
    """A guess at what was meant: that name elsewhere, else one like it in the same section."""
    section, _, name = key.partition(".")
    elsewhere = [f"{home}.{name}" for home in declared.homes_of(name)]
    if elsewhere:
        return _did_you_mean(elsewhere)
    found = difflib.get_close_matches(name, declared.settings_of(section), n=1)
    return _did_you_mean([f"{section}.{word}" for word in found])


def home(name: str) -> str:
    """A guess at where a setting without its section belongs."""
    plain = [key.partition(".")[2] for key in declared.all_keys()]
    found = difflib.get_close_matches(name, plain, n=1)
    return _did_you_mean([f"[{home}] {word}" for word in found for home in declared.homes_of(word)])


def guess(word: str, known: Iterable[str]) -> str:
    """The known word that was likely meant, as a question; "" where none is near."""
    return _did_you_mean(difflib.get_close_matches(word, known, n=1))


def _did_you_mean(words: Sequence[str]) -> str:
    return f" (did you mean {' or '.join(words)}?)" if words else ""
