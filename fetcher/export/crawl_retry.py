"""The retry of a crawl: a list of lines of its log, whose links are not followed.

The log is copied to the new OUT, so that lines keep their numbers, and rows how they were found.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from fetcher.humanize import shell_word
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
