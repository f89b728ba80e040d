"""Checks all files of a job before the job is complete.

This finds files that were removed, replaced or cut while the job ran: each file must exist, be the
file that was written, and have its committed length. `fetcher verify` checks the content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from fetcher.errors import DamageError
from fetcher.store.manifest import SELECTION_NAME, SPOOL_NAME, Manifest
from fetcher.store.reader import Segment, rows

_STEP_ROWS: Final = 500
_MOST_SEEN: Final = 1_000_000  # bodies that are remembered, so that they are checked once

# Given a row: the path of its body file below OUT, and its size in bytes; None if it has none.
BodyOf = Callable[[bytes], tuple[str, int] | None]


def require_input(out: Path, manifest: Manifest) -> None:
    """Raises DamageError if OUT lacks the selection of a retry, or the lines from a pipe."""
    needed = [SELECTION_NAME] if manifest.selection is not None else []
    if Path(manifest.input.path) == (out / SPOOL_NAME).absolute():
        needed.append(SPOOL_NAME)
    for name in needed:
        if not (out / name).is_file():
            raise DamageError(f"{out / name}: is missing, and the job needs it; restore it")


def body_files(segments: Iterable[Segment], out: Path, body_of: BodyOf) -> Iterator[None]:
    """Check that the body file of each row exists and has its size. Raises DamageError.

    Yields every few hundred rows, so that the caller can do other work.
    """
    seen: set[str] = set()
    for segment in segments:
        for number, row in enumerate(rows(segment)):
            if not number % _STEP_ROWS:
                yield
            body = body_of(row)
            if body is None or body[0] in seen:
                continue
            _require_body(out / body[0], body[1])
            if len(seen) < _MOST_SEEN:
                seen.add(body[0])


def _require_body(path: Path, size: int) -> None:
    try:
        found = path.stat().st_size
    except OSError as error:
        raise DamageError(f"{path}: {error.strerror}; it is the body of a row") from error
    if found != size:
        raise DamageError(f"{path}: has {found} bytes, and the body of its row had {size}")
