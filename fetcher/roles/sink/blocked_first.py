"""A hint, given once, if the first rows of a job are all of private or loopback addresses.

It is given only if `--own-servers` would allow the address of each of these rows. A first row with
any other outcome or reason means that no hint is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec

from fetcher.humanize import shell_word
from fetcher.model import OUTCOME_CODE, Chunk, Outcome
from fetcher.protocol.output_spec import RowForm
from fetcher.protocol.totals import Totals
from fetcher.rows.forms import decoder

ENOUGH: Final = 20  # rows; of a smaller job, all rows
_BLOCKED: Final = OUTCOME_CODE[Outcome.BLOCKED]


class _Row(msgspec.Struct):
    error: str | None = None


class BlockedFirst:
    """Looks at the rows of a job as they come, until it is decided whether to give the hint."""

    def __init__(self, form: RowForm, before: Totals, out: str, *, is_crawl: bool) -> None:
        """`before`: the totals of the rows that earlier runs of the job have committed."""
        self._is_crawl = is_crawl
        self._out = out
        self._decode: Callable[[bytes], _Row] = decoder(form, _Row)
        self._seen = 0
        self._is_decided = any(name != Outcome.BLOCKED for name in before.outcomes)

    def note(self, chunk: Chunk) -> None:
        """Look at some more rows, which are checked already."""
        if self._is_decided or self._seen >= ENOUGH:
            self._is_decided |= any(code != _BLOCKED for code in chunk.outcomes)
            return
        self._is_decided = any(code != _BLOCKED for code in chunk.outcomes) or not all(
            self._would_allow(row) for row in islice(_rows_of(chunk), ENOUGH - self._seen)
        )
        self._seen += len(chunk.lines)

    def _would_allow(self, row: bytes) -> bool:
        # Most jobs have no blocked row, and need not load this.
        from fetcher.fetch.address_guard import Guard, refused_address  # noqa: PLC0415
        from fetcher.settings import presets  # noqa: PLC0415

        address = refused_address(self._decode(row).error or "")
        return address is not None and Guard(presets.OWN_NETWORKS).refusal(address) is None

    def hint(self, rows: int, *, is_all: bool) -> str:
        """Return the hint to give after a commit, "" for none.

        `rows`: the number of committed rows; `is_all`: no more will come.
        """
        if self._is_decided or not self._seen or (rows < ENOUGH and not is_all):
            return ""
        self._is_decided = True
        blocked = "the only row so far is" if rows == 1 else f"all {rows} rows so far are"
        return (
            f"{blocked} blocked, as private and loopback addresses are refused by "
            "default; if these servers are your own, use --own-servers (of run, crawl, retry and "
            f"worker), or set guard.allow; a second run keeps these rows, so {self._what_to_do()}"
        )

    def _what_to_do(self) -> str:
        out = shell_word(_next_to(self._out))
        if self._is_crawl:  # a retry would not follow the links
            return f"crawl the seeds again with `-o {out} --own-servers`"
        return (
            f"fetch them again with `fetcher retry {shell_word(self._out)} -o {out} "
            f"--outcome {Outcome.BLOCKED} --own-servers`"
        )


def _next_to(out: str) -> str:
    return f"{out.rstrip('/')}2"


def _rows_of(chunk: Chunk) -> Iterator[bytes]:
    start = 0
    for size in chunk.row_bytes:
        yield chunk.rows[start : start + size]
        start += size
