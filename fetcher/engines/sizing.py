"""How many worker processes a job is given, where the settings leave that open.

Law: what is looked at of the input is bounded, however long it is.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Final

from fetcher.input.selection import Selection
from fetcher.input.source import Source
from fetcher.settings.schema import Settings

_MOST_BLOCKS: Final = 2  # of a census: one of lines, and its end


def worker_count(settings: Settings) -> int:
    """`worker.processes`, or the cores that this process may use."""
    return settings.worker.processes or len(os.sched_getaffinity(0))


def workers_for(settings: Settings, urlfile: Path, selection: Selection | None) -> int:
    """The same for one job: a single worker where all its lines are one batch.

    Raises InputError where the file cannot be read.
    """
    most = worker_count(settings)
    if settings.worker.processes or most == 1:
        return most
    lines = selection.lines if selection else _lines_of_small(Source(urlfile, settings.input))
    return 1 if lines is not None and lines < settings.job.batch_size else most


def _lines_of_small(source: Source) -> int | None:
    """The URL lines of a file of one block (a MiB); None of a longer one."""
    infos = itertools.islice(source.census(), _MOST_BLOCKS)
    return next((info.url_lines for info in infos if info.at_end), None)
