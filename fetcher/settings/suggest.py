"""Suggestions for mistyped names of settings and values, as text for error messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fetcher.settings import describe

# The least similarity, from 0 to 1.
_DEFAULT_CUTOFF: Final = 0.6  # that of difflib
_CUTOFF: Final = 0.7  # higher than the default, because all settings are compared
# Names that other programs use for these settings.
_ALIASES: Final = {
    "concurrency": "worker.pool_size",
    "delay": "polite.delay_s",
    "retries": "retry.attempts",
    "threads": "worker.pool_size",
    "timeout": "http.total_timeout_s",
    "workers": "worker.processes",
}


def near(key: str) -> str:
    """A suggestion for a mistyped `section.name`; "" without one."""
    return did_you_mean(keys_near(key))


def keys_near(key: str) -> list[str]:
    """The settings that `section.name` may mean.

    These are a setting of the section whose name has all its words, and settings of the same name
    in other sections; without any of these, the setting of the section with the most similar name.
    """
    section, _, name = key.partition(".")
    words = set(name.split("_"))
    there = [word for word in describe.settings_of(section) if words <= set(word.split("_"))]
    found = _close_matches(name, there, cutoff=0)
    elsewhere = [f"{home}.{name}" for home in describe.homes_of(name) if home != section]
    if not (found or elsewhere):
        found = _close_matches(name, describe.settings_of(section))
    return [*(f"{section}.{word}" for word in found), *elsewhere]


def keys_meant_by(words: str) -> list[str]:
    """The settings that words such as `pool_size` or `http_timeout` may mean."""
    if words in describe.sections():
        return []
    if words in _ALIASES:
        return [_ALIASES[words]]
    named = [f"{home}.{words}" for home in describe.homes_of(words)]
    if named:
        return named
    for section in describe.sections():
        rest = words.removeprefix(f"{section}_")
        if rest != words and (found := keys_near(f"{section}.{rest}")):
            return found
    known = {key.replace(".", "_"): key for key in describe.all_keys()}
    known |= {key.partition(".")[2]: key for key in reversed(describe.all_keys())}
    return [known[word] for word in _close_matches(words, known, _CUTOFF)]


def home(name: str) -> str:
    """A suggestion for a setting that was given outside of any section."""
    plain = [key.partition(".")[2] for key in describe.all_keys()]
    found = _close_matches(name, plain)
    return did_you_mean([f"[{home}] {word}" for word in found for home in describe.homes_of(word)])


def guess(word: str, known: Iterable[str], cutoff: float = _DEFAULT_CUTOFF) -> str:
    """A suggestion of the most similar known word; "" if none is.

    `cutoff`: the least similarity, from 0 to 1.
    """
    by_lower = {each.lower(): each for each in known}
    found = _close_matches(word.lower(), by_lower, cutoff)
    return did_you_mean([by_lower[each] for each in found])


def did_you_mean(words: Sequence[str]) -> str:
    """The suggestion as text for a message; "" without words."""
    return f" (did you mean {' or '.join(words)}?)" if words else ""


def _close_matches(word: str, known: Iterable[str], cutoff: float = _DEFAULT_CUTOFF) -> list[str]:
    """The most similar known word; [] if none is similar."""
    import difflib  # noqa: PLC0415 (takes time to load, and is rarely needed)

    return difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
