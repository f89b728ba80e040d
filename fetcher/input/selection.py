"""Selects some lines of an input for a job (`fetcher retry`), by the rows of an earlier job.

A selection is by line number, so that each line keeps its number and its request. It is part of the
job's definition: made once, recorded in the manifest, and never changed.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from fetcher import bitset
from fetcher.errors import UsageError
from fetcher.input.formats import TextsOf
from fetcher.input.outcomes import FAILED, FAILED_WORD, outcomes_named
from fetcher.model import Outcome

_STATUS_SYNTAX: Final = "[1-5](xx|[0-9]{2})"
_STATUS: Final = re.compile(_STATUS_SYNTAX)


Text = Annotated[str, Meta(max_length=4096)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows with one of these outcomes, or one of these statuses ("404"; "5xx": all of them)."""

    outcomes: tuple[Annotated[str, Meta(max_length=20)], ...]
    statuses: tuple[Annotated[str, Meta(pattern=f"^{_STATUS_SYNTAX}$")], ...]

    def codes(self) -> frozenset[int]:
        """The statuses as numbers."""
        codes: set[int] = set()
        for text in self.statuses:
            first = int(text.replace("x", "0"))
            codes.update(range(first, first + 100) if text.endswith("xx") else (first,))
        return frozenset(codes)

    def __str__(self) -> str:
        """The command-line options that mean the same."""
        is_failed = set(self.outcomes) == FAILED
        outcomes = (FAILED_WORD,) if is_failed else self.outcomes
        options = [("--outcome", outcomes), ("--status", self.statuses)]
        return " ".join(f"{option} {','.join(values)}" for option, values in options if values)


# Failures that another attempt may change; invalid URLs and blocked ones stay as they are.
RETRYABLE: Final = Wanted(
    ("dns", "connect", "tls", "timeout", "protocol", "crashed"), ("429", "5xx")
)


def parse(outcomes: str | None, statuses: str | None) -> Wanted:
    """Parse `--outcome` and `--status`; RETRYABLE if neither is given. Raises UsageError."""
    if outcomes is None and statuses is None:
        return RETRYABLE
    codes = _split(statuses)
    for code in codes:
        if not _STATUS.fullmatch(code):
            raise UsageError(f"--status {code}: write a status such as 404, or 5xx for all of them")
    if not (outcomes or "").strip(" ,") and not codes:
        raise UsageError("--outcome and --status: name at least one")
    chosen = _outcomes(outcomes) if outcomes else ()
    return Wanted(chosen, tuple(sorted(set(codes))))


def _outcomes(text: str) -> tuple[str, ...]:
    try:
        named = outcomes_named(text)
    except UsageError as error:
        raise UsageError(f"--outcome {error}") from error
    return tuple(outcome.value for outcome in Outcome if outcome in named)


def _split(text: str | None) -> list[str]:
    return [part.strip().lower() for part in (text or "").split(",") if part.strip()]


class Selection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The origin of the selected lines of a job."""

    parent: Text  # the OUT (or OUTs, quoted for a shell) whose rows selected the lines
    parent_job: Text
    wanted: Wanted
    lines: Annotated[int, Meta(ge=0)]
    sha256: Text  # of the lines, as store.selection keeps them

    def same_lines(self, other: Selection) -> bool:
        """Whether both have the same lines, even if the parent OUT has been moved."""
        return (self.parent_job, self.sha256) == (other.parent_job, other.sha256)


class SelectsLines(Protocol):
    """The selected line numbers; see store.selection."""

    def mask(self, first_line: int, count: int) -> int:
        """The selected of `count` physical lines from `first_line` on, as a mask (see model)."""


class SelectingReader:
    """A reader (see input.formats) that returns b"" for lines that are not selected."""

    def __init__(self, texts_of: TextsOf, selected: SelectsLines) -> None:
        self._texts_of = texts_of
        self._selected = selected
        self._first_line = 1

    def __call__(self, lines: list[bytes]) -> list[bytes]:
        texts = self._texts_of(lines)
        mask = self._selected.mask(self._first_line, len(texts))
        self._first_line += len(texts)
        kept = [b""] * len(texts)
        for offset in bitset.offsets(mask):
            kept[offset] = texts[offset]
        return kept
