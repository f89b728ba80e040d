"""Decides how many worker processes a job gets if the settings do not say.

Only a bounded part of the input is read for this.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Final

from fetcher.input.selection import Selection
from fetcher.input.source import Source
from fetcher.settings.schema import Settings

_MAX_BLOCKS: Final = 2  # of a census: one block of lines, and its end


def worker_count(settings: Settings) -> int:
    """Return `worker.processes`, or the number of cores that this process may use."""
    return settings.worker.processes or len(os.sched_getaffinity(0))


def workers_for(settings: Settings, urlfile: Path, selection: Selection | None) -> int:
    """Return the number of workers for one job: 1 if all its lines are one batch.

    Raises InputError if the file cannot be read.
    """
    most = worker_count(settings)
    if settings.worker.processes or most == 1:
        return most
    lines = selection.lines if selection else _lines_of_small(Source(urlfile, settings.input))
    return 1 if lines is not None and lines < settings.job.batch_size else most


def _lines_of_small(source: Source) -> int | None:
    """Return the number of URL lines of a file of one block (1 MiB); None if it is longer."""
    infos = itertools.islice(source.census(), _MAX_BLOCKS)
    return next((info.url_lines for info in infos if info.at_end), None)
