"""A hint, once, where the first rows of a job are all of private or loopback addresses.

Law: it is given only where `--own-servers` would have opened the address of each of these rows. A
first row of any other outcome or reason means that there is nothing to hint at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec

from fetcher.fetch.address_guard import Guard, refused_address
from fetcher.model import OUTCOME_CODE, Chunk, Outcome
from fetcher.protocol.output_spec import RowForm
from fetcher.protocol.totals import Totals
from fetcher.rows.forms import decoder
from fetcher.settings import presets

ENOUGH: Final = 20  # rows; of a smaller job, all
_BLOCKED: Final = OUTCOME_CODE[Outcome.BLOCKED]


class _Row(msgspec.Struct):
    error: str | None = None


class BlockedFirst:
    """Sees the rows of a job as they come, until it is known whether to give the hint."""

    def __init__(self, form: RowForm, before: Totals) -> None:
        """`before`: of the rows that earlier runs of the job have committed."""
        self._decode: Callable[[bytes], _Row] = decoder(form, _Row)
        self._opened = Guard(presets.OWN_NETWORKS)
        self._seen = 0
        self._is_decided = any(name != Outcome.BLOCKED for name in before.outcomes)

    def note(self, chunk: Chunk) -> None:
        """Some more rows, which are proven."""
        if self._is_decided or self._seen >= ENOUGH:
            self._is_decided |= any(code != _BLOCKED for code in chunk.outcomes)
            return
        self._is_decided = any(code != _BLOCKED for code in chunk.outcomes) or not all(
            self._would_open(row) for row in islice(_rows_of(chunk), ENOUGH - self._seen)
        )
        self._seen += len(chunk.lines)

    def _would_open(self, row: bytes) -> bool:
        address = refused_address(self._decode(row).error or "")
        return address is not None and self._opened.refusal(address) is None

    def hint(self, rows: int, *, is_all: bool) -> str:
        """What to say after a commit; "": nothing.

        `rows`: that are committed; `is_all`: no more will come.
        """
        if self._is_decided or not self._seen or (rows < ENOUGH and not is_all):
            return ""
        self._is_decided = True
        return (
            f"all {rows} rows so far are blocked, as private and loopback addresses are refused by "
            "default; if these servers are your own, use --own-servers (of run, retry and worker), "
            "or set guard.allow"
        )


def _rows_of(chunk: Chunk) -> Iterator[bytes]:
    start = 0
    for size in chunk.row_bytes:
        yield chunk.rows[start : start + size]
        start += size
