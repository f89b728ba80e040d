"""Every file of a job is looked at before the job is called complete.

Law: files that were removed or cut while the job ran are found here, at the latest: each file is
there, is the file that was written, and has its committed length. `verify` checks its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from fetcher.errors import DamageError
from fetcher.store.manifest import SELECTION_NAME, SPOOL_NAME, Manifest
from fetcher.store.reader import Segment, rows

_STEP_ROWS: Final = 500
_MOST_SEEN: Final = 1_000_000  # bodies that are not looked at again for another row

# A row's body file, below OUT, and its bytes; None where it has none.
BodyOf = Callable[[bytes], tuple[str, int] | None]


def require_input(out: Path, manifest: Manifest) -> None:
    """OUT still has its part of the input: the selection of a retry, or the lines from a pipe."""
    needed = [SELECTION_NAME] if manifest.selection is not None else []
    if Path(manifest.input.path) == (out / SPOOL_NAME).absolute():
        needed.append(SPOOL_NAME)
    for name in needed:
        if not (out / name).is_file():
            raise DamageError(f"{out / name}: is missing, and the job needs it; restore it")


def body_files(segments: Iterable[Segment], out: Path, body_of: BodyOf) -> Iterator[None]:
    """Each body that a row names is there and has its size; gives way every few hundred rows."""
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
        raise DamageError(f"{path}: {error.strerror}, and it is the body of a row") from error
    if found != size:
        raise DamageError(f"{path}: has {found} bytes, and the body of its row had {size}")
