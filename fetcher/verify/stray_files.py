"""What lies among the files of a complete job and is no part of it.

Law: it proves nothing and disproves nothing, as committed bytes alone count; but who reads all that
is there by its name reads it, too. While a job is not complete such bytes are normal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fetcher.humanize import number
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store.cdxj import CDXJ_NAME
from fetcher.store.manifest import RESULTS_NAME
from fetcher.store.reader import Part


def surplus(part: Part) -> Iterator[str]:
    """A line for each such file, which says what to do; nothing where the job is not complete."""
    if part.manifest.state != "complete":
        return
    committed = {
        name if "/" in name else f"{RESULTS_NAME}/{name}": size
        for name, size in part.view.segments.items()
    }
    directories = [RESULTS_NAME]
    if part.manifest.output.bodies == "warc":  # others have a name for each body
        directories.append(BODIES_NAME)
        # Made of what is committed, at the end; `kept` compares it.
        committed[f"{BODIES_NAME}/{CDXJ_NAME}"] = sys.maxsize
    for directory in directories:
        for path in sorted((part.out / directory).glob("*")):
            yield from _of_file(path, committed.get(f"{directory}/{path.name}"))


def _of_file(path: Path, committed: int | None) -> Iterator[str]:
    size = path.stat().st_size
    if committed is None:
        # A sink that got no rows leaves an empty one.
        if size:
            yield (
                f"{path}: does not belong to the job; remove it, as programs that read all files "
                "read it, too"
            )
    elif size > committed:
        yield (
            f"{path}: {number(size - committed)} bytes after the last row do not belong to the "
            f"job; cut them off with `truncate -s {committed} FILE`"
        )
