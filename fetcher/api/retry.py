"""`retry`: fetches the retryable lines of a job again, as `fetcher retry` does.

The choice of lines is made by fetcher.export.retry; this module only runs the job that it prepares.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from fetcher.api.background import JobInput
from fetcher.api.job import Job, rows_of
from fetcher.api.keywords import named_arguments
from fetcher.api.row import Row
from fetcher.engines.paths import require_path
from fetcher.errors import UsageError
from fetcher.export.retry import RetryRequest, prepare
from fetcher.input import selection

_Path = str | os.PathLike[str]


class _RetryJob(Job):
    """A job whose lines are chosen by the rows of another."""

    def __init__(self, request: RetryRequest, **arguments: Any) -> None:
        """`arguments`: those of Job, without `urls`."""
        # A path makes Job expect a file, and so leave the input settings to the first job.
        super().__init__(request.urlfile or request.parents[0], **arguments)
        self._request = request

    def _input(self, out: Path) -> JobInput | None:
        found = prepare(out, self._request, self._given)
        if not found.selection.lines and self._out is None:
            return None  # nobody could see that the job was complete
        return JobInput(found.urlfile, found.settings, found.selection, found.input_name)


def retry(
    parents: _Path | Iterable[_Path],
    *,
    out: _Path | None = None,
    outcomes: str | Iterable[str] | None = None,
    statuses: str | int | Iterable[str | int] | None = None,
    urls: _Path | None = None,
    partial: bool = False,
    conf: _Path | None = None,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    pool_size: int | None = None,
    batch_size: int | None = None,
    **sections: Mapping[str, object],
) -> Generator[Row, None, None]:
    """Fetch the retryable lines of a finished job again; yields one new row for each of them.

    `parents`: the job's `out`, or the `out` of each of its sinks. A row keeps its line's number.
    `outcomes` and `statuses`: the rows to fetch again, by names or codes such as "timeout,dns",
    ["timeout", "dns"], "5xx" or 503; without both, all that another try could change.
    `out`: a directory that keeps the new rows; the same call again resumes. Without it, they are in
    a temporary directory, which is removed at the end.
    `urls`: the job's URL file, if it has been moved. `partial`: accept a job that has not ended.
    Settings as for `fetch`; those of the first job do not apply.

    Raises ConfigError and UsageError at once; when it is iterated, what `Job.start` and `Job.rows`
    raise, and ConflictError if the URL file has changed. Yields nothing if no row matches.
    """
    with named_arguments():
        wanted = selection.parse(_list(outcomes), _list(statuses))
    request = RetryRequest(
        parents=directories_of(parents),
        wanted=wanted,
        urlfile=None if urls is None else Path(urls).absolute(),
        partial=partial,
    )
    job = _RetryJob(
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


def directories_of(parents: _Path | Iterable[_Path]) -> list[Path]:
    """The given directories of jobs, at least one. Raises UsageError."""
    given = [parents] if isinstance(parents, str | os.PathLike) else list(parents)
    if not given:
        raise UsageError("parents: name the directory of a job")
    for path in given:
        require_path(os.fspath(path), "parents")
    return [Path(path).absolute() for path in given]


def _list(names: str | int | Iterable[str | int] | None) -> str | None:
    """The names as the options of `fetcher retry` take them."""
    if names is None or isinstance(names, str):
        return names
    return str(names) if isinstance(names, int) else ",".join(map(str, names))
