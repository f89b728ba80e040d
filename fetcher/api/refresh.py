"""`refresh`: fetches a finished list or crawl again, as `fetcher refresh` does."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from fetcher.api.background import JobInput
from fetcher.api.job import Job, rows_of
from fetcher.api.retry import directories_of
from fetcher.api.row import Row
from fetcher.export.refresh import RefreshRequest, prepare

_Path = str | os.PathLike[str]


class _RefreshJob(Job):
    """A job whose lines are those of an earlier one."""

    def __init__(self, request: RefreshRequest, **arguments: Any) -> None:
        """`arguments`: those of Job, without `urls`."""
        # A path makes Job expect a file, and so leave the input settings to the first job.
        super().__init__(request.urlfile or request.parents[0], **arguments)
        self._request = request

    def _input(self, out: Path) -> JobInput | None:
        found = prepare(out, self._request, self._given)
        return JobInput(
            found.urlfile,
            found.settings,
            name=found.input_name,
            crawl=found.crawl,
            refresh=found.refresh,
        )


def refresh(
    parents: _Path | Iterable[_Path],
    *,
    out: _Path | None = None,
    urls: _Path | None = None,
    partial: bool = False,
    conf: _Path | None = None,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    pool_size: int | None = None,
    batch_size: int | None = None,
    **sections: Mapping[str, object],
) -> Generator[Row, None, None]:
    """Fetch a finished list or crawl again; yields a row for each line or page.

    `row.unchanged` says that the body is the one that the first job has. `parents`: the job's
    `out`; of a job with several sinks all of them, and of a list its retries, too.
    `out`: a directory that keeps the new rows; the same call again resumes. Without it, they are in
    a temporary directory, which is removed at the end.
    `urls`: the job's URL file, if it has been moved. `partial`: accept a job that has not ended.
    Settings as for `fetch`; rows and bodies are kept as in the first job unless you say otherwise,
    and no other settings of that job apply.

    Raises ConfigError and UsageError at once; when it is iterated, what `Job.start` and `Job.rows`
    raise, and ConflictError if the URL file has changed.
    """
    request = RefreshRequest(
        directories_of(parents), None if urls is None else Path(urls).absolute(), partial
    )
    job = _RefreshJob(
        request,
        out=out,
        conf=conf,
        settings=settings,
        workers=workers,
        pool_size=pool_size,
        batch_size=batch_size,
        **sections,
    )
    return rows_of(job)
