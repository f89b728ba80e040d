"""Suggests what to do after a run: each line gives a reason and a command to paste into a shell.

Pure, and at most three lines. A command reads only directories that exist and writes only to names
that are free.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.humanize import number, shell_word
from fetcher.input.outcomes import FAILED_WORD
from fetcher.input.selection import RETRYABLE
from fetcher.model import Outcome
from fetcher.protocol.totals import Totals

MOST: Final = 3  # lines
_OWN: Final = ("--own-servers",)
_TIMEOUT: Final = "--timeout"
_TIMEOUT_KEY: Final = "http.total_timeout_s"
_LONGEST_TIMEOUT_S: Final = 86_400  # that the setting allows
_MOST_NAMES: Final = 100  # tried for a new OUT or file
_COUNTED: Final = re.compile(r"(?P<name>.*[A-Za-z_])(?P<number>[1-9][0-9]?)")


class Finished(NamedTuple):
    """The run that has ended."""

    totals: Totals
    out: Path
    parents: Sequence[Path] = ()  # of a retry: the OUTs whose lines were fetched again
    before: Path | None = None  # of a refresh: the OUT of the earlier job
    program: str = "fetcher"  # the command as the shell finds it
    options: Sequence[tuple[str, ...]] = ()  # of this run, that a retry needs as well
    crawl: Sequence[tuple[str, ...]] | None = None  # its seeds and options; None: it was a list
    hidden: Sequence[str] = ()  # such options that may hold secrets, without their values
    timeout_s: float | None = None  # the limit on an attempt, if it is not the default


def steps(run: Finished, exists: Callable[[Path], bool]) -> list[str]:
    """The lines. `exists` says whether a file or directory exists."""

    def line(why: str, command: str, *words: Path | str) -> str:
        return f"{why}: {' '.join([shell_word(run.program), command, *map(_word, words)])}"

    def table(name: str) -> Path:
        return _free(Path(), name, ".csv", exists)

    out, name = run.out, run.out.resolve().name or "rows"
    failed = run.totals.rows - run.totals.outcomes.get(Outcome.OK, 0)
    found = []
    if run.before is not None:
        found.append(line("what has changed", "diff", run.before, out))
    if failed:
        options = ("-o", table(f"{name}-failed"), "--outcome", FAILED_WORD)
        found.append(line(f"{number(failed)} not ok", "export", out, *options))
    if run.totals.outcomes.get(Outcome.BLOCKED) == run.totals.rows:
        again = _free(_directory(out), name, "", exists)
        why = f"if these servers are your own{_to_add(run)}"
        if run.crawl is not None:  # a retry would not follow the links
            found.append(line(why, "crawl", *_owned(run.crawl), "-o", again, *_OWN))
        else:
            which = ("--outcome", Outcome.BLOCKED.value)
            found.append(line(why, "retry", out, *which, "-o", again, *_owned(run.options), *_OWN))
    elif _is_worth_a_retry(run.totals):
        again = _free(_directory(out), name, "", exists)
        why = f"try those that may work now{_to_add(run)}"
        found.append(line(why, "retry", out, "-o", again, *_words(_retry_options(run))))
    if run.parents:
        whole = table(f"{run.parents[0].resolve().name}-all")
        why = "the newest row of every line"
        found.append(line(why, "export", *run.parents, out, "-o", whole))
    elif not failed:
        found.append(line("as a table", "export", out, "-o", table(name)))
    if len(found) < MOST:
        found.append(line("figures and plots", "report", out))
    return found


def _word(word: Path | str) -> str:
    # A path that begins with a hyphen would be taken for an option.
    is_like_option = isinstance(word, Path) and str(word).startswith("-")
    return shell_word(f"./{word}" if is_like_option else str(word))


def _words(options: Iterable[tuple[str, ...]]) -> list[str]:
    return [word for option in options for word in option]


def _owned(options: Iterable[tuple[str, ...]]) -> list[str]:
    """The words of these options, without --own-servers."""
    return _words(option for option in options if option != _OWN)


def _to_add(run: Finished) -> str:
    return f" (add your {', '.join(run.hidden)})" if run.hidden else ""


def _retry_options(run: Finished) -> list[tuple[str, ...]]:
    """The options of the run; with twice its timeout, if that was too short for some lines."""
    if run.timeout_s is None or not run.totals.outcomes.get(Outcome.TIMEOUT):
        return list(run.options)
    others = [option for option in run.options if not _sets_timeout(option)]
    return [*others, (_TIMEOUT, f"{min(2 * run.timeout_s, _LONGEST_TIMEOUT_S):g}")]


def _sets_timeout(option: tuple[str, ...]) -> bool:
    return option[0] == _TIMEOUT or option[-1].partition("=")[0].strip() == _TIMEOUT_KEY


def _is_worth_a_retry(totals: Totals) -> bool:
    """Whether `fetcher retry` without conditions would find a row."""
    codes = RETRYABLE.codes()
    return any(totals.outcomes.get(name) for name in RETRYABLE.outcomes) or any(
        count for code, count in totals.statuses.items() if code in codes
    )


def _directory(out: Path) -> Path:
    return out.parent if out.name not in ("", "..") else out.resolve().parent


def _free(directory: Path, name: str, suffix: str, exists: Callable[[Path], bool]) -> Path:
    """A free name: the next number (out2, out3); a table without a number where that is free."""
    path = directory / f"{name}{suffix}"
    if suffix and not exists(path):
        return path
    counted = _COUNTED.fullmatch(name)
    first = int(counted["number"]) + 1 if counted else 2
    # 2026-01-31 is not followed by 2026-01-32.
    stem = counted["name"] if counted else f"{name}-" if name[-1:].isdigit() else name
    for count in range(first, first + _MOST_NAMES):
        path = directory / f"{stem}{count}{suffix}"
        if not exists(path):
            break
    return path
