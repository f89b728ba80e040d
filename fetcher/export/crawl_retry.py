"""The retry of a crawl: a list of lines of its log, whose links are not followed.

The log is copied to the new OUT, so that lines keep their numbers, and rows how they were found.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from fetcher.errors import UsageError
from fetcher.humanize import shell_word
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Settings
from fetcher.store import spool
from fetcher.store.log_source import LogSource
from fetcher.store.reader import Part


def not_followed(out: Path) -> str:
    """What the user must know when the retry begins; `out`: of the retry."""
    return (
        "the links of these pages are not followed; to follow them, crawl with these pages as "
        f"seeds afterwards: fetcher urls {shell_word(str(out))} --outcome ok | "
        "fetcher crawl - -o OUT"
    )


def log_copy(out: Path, first: Part) -> Path:
    """The copy of the crawl's log in OUT. Raises ConflictError, DamageError, NoSpaceError."""

    def write(file: BinaryIO) -> None:
        for _, text in LogSource(first).url_lines():
            file.write(text + b"\n")

    return spool.keep(out, write, f"the log of {first.out}")


def settings_of_retry(first: Part, given: Loaded) -> Settings:
    """The given settings; unless one says so, robots.txt is obeyed as in the crawl."""
    settings, rules = given.settings, first.manifest.crawl
    is_chosen = "polite.robots" in given.origins or not settings.polite.enabled
    if rules is None or is_chosen:
        return settings
    return replace(settings, polite=replace(settings.polite, robots=rules.robots))


def refuse_urlfile(urlfile: Path | None) -> None:
    """Raises UsageError if a URL file is given: a crawl has its log."""
    if urlfile is not None:
        raise UsageError(f"--urls {urlfile}: the lines of a crawl are in its log; leave it out")
