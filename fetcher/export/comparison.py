"""Compares the rows of two runs, URL by URL: what is new, gone, changed, moved, failed.

Rows are paired by the text of their URL, so the two inputs may differ. Where a URL stands on
several lines, its first row is paired with the first row of the other run, and so on.
Memory is flat: the rows are sorted in a temporary table on disk (export.scratch).
"""

from __future__ import annotations

import enum
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from fetcher.export.merged import Merged
from fetcher.export.scratch import scratch_table
from fetcher.export.sqlite_file import sqlite_errors
from fetcher.model import Outcome, Result

_WHAT: Final = "diff (its temporary table, see TMPDIR)"
# The rows in pairs: the k-th row of a URL in one run follows the k-th row in the other.
_PAIRS: Final = """
SELECT url, ROW_NUMBER() OVER (PARTITION BY url, is_new ORDER BY line) AS k, is_new, answer
FROM answers ORDER BY url, k, is_new"""
_GONE: Final = frozenset({404, 410})


class Change(enum.StrEnum):
    """What happened to a URL from the first run to the second."""

    NEW = "new"  # only the second run has it, whether ok or not
    GONE = "gone"  # only the first run has it, or it was ok and is 404 or 410 now
    CHANGED = "changed"  # ok in both, with another body
    MOVED = "moved"  # ok in both, and redirected to another address, whatever the body
    FAILED = "failed"  # was ok, and is not ok now
    RECOVERED = "recovered"  # was not ok, and is ok now
    FAILING = "failing"  # failed in both runs
    SAME = "same"  # ok in both, with the same body at the same address


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of a row that are compared."""

    line: int
    outcome: str
    status: int | None = None
    final_url: str | None = None
    sha256: str | None = None
    body_bytes: int | None = None
    location: str | None = None  # of a crawl's row, which does not follow its redirect


_decode: Final = msgspec.msgpack.Decoder(Answer).decode


class Difference(msgspec.Struct, frozen=True):
    """A URL with its rows in both runs; at least one of them is there."""

    url: str
    change: Change
    old: Answer | None
    new: Answer | None


def judge(url: str, old: Answer | None, new: Answer | None) -> Change:
    """What happened to the URL. At least one answer must be given."""
    if new is None:
        return Change.GONE
    if old is None:
        return Change.NEW
    if new.outcome != Outcome.OK:
        return _change_of_failed(old, new)
    if old.outcome != Outcome.OK:
        return Change.RECOVERED
    if _address(url, old) != _address(url, new):
        return Change.MOVED
    return Change.SAME if _body(old) == _body(new) else Change.CHANGED


def _change_of_failed(old: Answer, new: Answer) -> Change:
    if old.outcome != Outcome.OK:
        return Change.FAILING
    return Change.GONE if new.status in _GONE else Change.FAILED


def _address(url: str, answer: Answer) -> str:
    return answer.location or answer.final_url or url


def _body(answer: Answer) -> tuple[str | int | None, ...]:
    if answer.sha256 is not None:
        return (answer.sha256,)
    # A body that was cut has no digest: its size and status must do.
    return (answer.status, answer.body_bytes)


def of_runs(old: Path, new: Path, *, partial: bool) -> Iterator[Difference]:
    """The differences of two OUTs. A retry has the rows of its parent where it has none itself.

    Raises UsageError, ConflictError, DamageError, NoSpaceError.
    """
    before, after = (Merged([out], partial=partial) for out in (old, new))
    if after.is_retry_of(before):
        after = Merged([old, new], partial=partial)
    return differences(before, after)


def differences(old: Merged, new: Merged) -> Iterator[Difference]:
    """Every URL of the two runs, sorted. Raises DamageError, NoSpaceError."""
    table = scratch_table("answers (url BLOB, is_new INTEGER, line INTEGER, answer BLOB)", _WHAT)
    try:
        for is_new, merged in enumerate((old, new)):
            _store(table, is_new, (row.result for row in merged.rows()))
        with sqlite_errors(_WHAT):
            for (url, _), pair in itertools.groupby(table.execute(_PAIRS), key=lambda row: row[:2]):
                yield _difference(url.decode(errors="surrogatepass"), pair)
    finally:
        table.close()


def _store(table: sqlite3.Connection, is_new: int, results: Iterable[Result]) -> None:
    encode = msgspec.msgpack.Encoder().encode
    rows = (
        (result.url.encode(errors="surrogatepass"), is_new, result.line, encode(_answer(result)))
        for result in results
    )
    with sqlite_errors(_WHAT):
        table.executemany("INSERT INTO answers VALUES (?, ?, ?, ?)", rows)


def _answer(result: Result) -> Answer:
    return Answer(
        result.line,
        result.outcome,
        result.status,
        result.final_url,
        result.sha256,
        result.body_bytes,
        None if result.location is msgspec.UNSET else result.location,
    )


def _difference(url: str, pair: Iterable[tuple[bytes, int, int, bytes]]) -> Difference:
    answers = {bool(is_new): _decode(packed) for _, _, is_new, packed in pair}
    old, new = answers.get(False), answers.get(True)
    return Difference(url, judge(url, old, new), old, new)
