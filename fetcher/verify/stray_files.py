"""Finds files and bytes in the OUT of a complete job that do not belong to the job.

They do not affect the proof, as only committed bytes count. But a program that reads all files in
the directory reads them, too. In a job that is not complete, such bytes are normal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fetcher.humanize import counted
from fetcher.rows.body_names import BODIES_NAME
from fetcher.store.cdxj import CDXJ_NAME
from fetcher.store.log_source import FRONTIER_NAME, LINKS_NAME
from fetcher.store.manifest import RESULTS_NAME
from fetcher.store.reader import Part


def stray_files(part: Part) -> Iterator[str]:
    """A line for each such file, which says what to do; none if the job is not complete."""
    if part.manifest.state != "complete":
        return
    committed = {
        name if "/" in name else f"{RESULTS_NAME}/{name}": size
        for name, size in part.view.segments.items()
    }
    directories = [RESULTS_NAME]
    if part.manifest.crawl is not None:
        directories += [FRONTIER_NAME, LINKS_NAME]
    if part.manifest.output.bodies == "warc":  # bodies as files are named by their rows
        directories.append(BODIES_NAME)
        # It has no committed length; verify.bodies compares it with the WARC files.
        committed[f"{BODIES_NAME}/{CDXJ_NAME}"] = sys.maxsize
    for directory in directories:
        for path in sorted((part.out / directory).glob("*")):
            yield from _of_file(path, committed.get(f"{directory}/{path.name}"))


def _of_file(path: Path, committed: int | None) -> Iterator[str]:
    size = path.stat().st_size
    if committed is None:
        # A sink without rows leaves an empty file.
        if size:
            yield (
                f"{path}: does not belong to the job; remove it, as programs that read all files "
                "read it, too"
            )
    elif size > committed:
        yield (
            f"{path}: has {counted(size - committed, 'byte')} after its last row, not of the job; "
            f"cut them off with `truncate -s {committed} FILE`"
        )
