"""`Job` and `fetch`, the objects of the API.

In whatever way a program leaves a job (its end, `break`, an exception, the garbage collector, the
interpreter's exit), no process and no temporary directory of the job stays.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from fetcher.api import items
from fetcher.api import settings as api_settings
from fetcher.api.background import JobInput, Run
from fetcher.api.items import Item, Urls
from fetcher.api.keywords import named_arguments
from fetcher.api.progress import Progress
from fetcher.api.row import Row
from fetcher.engines.paths import require_path
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.humanize import counted
from fetcher.input.source import Source
from fetcher.roles.preflight import require_own_code
from fetcher.rows.forms import decoder
from fetcher.store import manifest, spool
from fetcher.store.begun import require_as_begun
from fetcher.store.disk import make_dir
from fetcher.store.reader import Follower

# Between two reads of the journal: the shorter one while rows come.
_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.2
_GONE: Final = "the job was temporary and is closed: its rows are gone; give it out="

_Out = str | os.PathLike[str] | None


class Job:
    """One job: fetches each input and commits its row, in child processes.

    Thread-safe. Each `rows()` gives all rows from the first on; `with job:` starts it, and ends it
    at once where it has not ended.
    """

    def __init__(
        self,
        urls: Urls,
        *,
        out: _Out = None,
        conf: _Out = None,
        settings: Mapping[str, object] | None = None,
        workers: int | None = None,
        pool_size: int | None = None,
        batch_size: int | None = None,
        **sections: Mapping[str, object],
    ) -> None:
        """Checks the settings; starts nothing, and reads no URL. See `fetch`.

        Raises ConfigError for a wrong setting, InputError for `urls` of another type,
        UsageError for a path that is not UTF-8.
        """
        self._urls = urls
        self._file = items.file_of(urls)
        short = {"workers": workers, "pool_size": pool_size, "batch_size": batch_size}
        self._given = api_settings.settings_of(
            conf, settings or {}, short, sections, of_items=self._file is None
        )
        self._settings = self._given.settings
        # Absolute, as the program may change its directory while the job runs.
        self._out = None if out is None else Path(out).absolute()
        for named, path in (("urls", self._file), ("out", self._out)):
            if path is not None:
                require_path(str(path), named)
        self._run: Run | None = None
        self._is_empty = False
        self._starting = threading.Lock()

    def __repr__(self) -> str:
        now = self.progress
        where = f" in {self._out}" if self._out else ""
        return f"<Job {now.state}, {counted(now.rows, 'row')}{where}>"

    @property
    def out(self) -> Path | None:
        """The output directory, laid out as by `fetcher run`; None for a temporary job."""
        return self._out

    @property
    def progress(self) -> Progress:
        """How far the job is: updated twice a second, and exact at its end."""
        if self._run is not None:
            return self._run.progress
        if self._is_empty:
            return Progress(state="complete", total=0, total_exact=True)
        return Progress()

    def start(self) -> Self:
        """Write items to a file, and start the roles. Further calls do nothing.

        Raises InputError (the URLs cannot be read), ConflictError (`out` belongs to other input, or
        is in use), UsageError, DamageError; and what reading your iterable raises.
        """
        with self._starting, named_arguments():
            if self._run is None and not self._is_empty:
                self._start()
        return self

    def _start(self) -> None:
        _refuse_patched()
        require_own_code(self._settings)
        self._is_empty = self._file is None and not self._has_items()
        if self._is_empty:
            return
        temporary = self._out is None
        out = self._out or Path(tempfile.mkdtemp(prefix="fetcher-out-"))
        make_dir(out, "out")
        run = Run(out, temporary=temporary)
        # Called also where nobody holds the job any more, and at the interpreter's exit.
        self._end = weakref.finalize(self, run.end)
        try:
            given = self._input(out)
            if given is not None:
                run.start(given)
        except BaseException:
            self._end()
            raise
        if given is None:
            self._end()
            self._is_empty = True
            return
        self._run = run

    def _input(self, out: Path) -> JobInput | None:
        """What to start the roles with; None if there is nothing to fetch."""
        urlfile = self._file or self._spooled(out)
        self._urls = ()
        require_as_begun(out, urlfile, self._given)
        # Raises what is wrong with the file before any process is started.
        Source(urlfile, self._settings.input)
        return JobInput(urlfile, self._settings)

    def _has_items(self) -> bool:
        found = items.first_of(self._items())
        if found is not None:
            self._urls = found
            return True
        if self._out is not None and (self._out / manifest.MANIFEST_NAME).exists():
            raise ConflictError(
                f"{self._out} belongs to another job, which had input, and urls is empty; choose "
                "another out"
            )
        return False

    def _items(self) -> Iterator[Item]:
        assert not isinstance(self._urls, str | os.PathLike)
        return iter(self._urls)

    def _spooled(self, out: Path) -> Path:
        def write(file: BinaryIO) -> None:
            items.write(self._items(), file, out / manifest.SPOOL_NAME)

        return spool.keep(out, write, "urls")

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of commit, from the first; starts the job where it is new.

        A loop that ends without an exception has had exactly one row of each input. Else it raises,
        after the rows that are committed, what ended the job: StoppedError where it was stopped,
        DamageError, ConflictError, UsageError, FetcherError.
        """
        self.start()
        if self._run is None:
            return iter(())
        if self._run.gone:
            raise UsageError(_GONE)
        return self._follow(self._run)

    def _follow(self, run: Run) -> Iterator[Row]:
        follower = Follower(run.out)
        decode: Callable[[bytes], Row] | None = None
        pause_s, count = _PAUSE_S, 0
        while True:
            run.require_here()
            ended = run.ended.is_set()  # read before the rows, so that the last rows are not missed
            before = count
            for raw in follower.new():
                decode = decode or decoder(follower.output.rows, Row)
                count += 1
                yield decode(raw)
            if ended:
                break
            pause_s = _PAUSE_S if count > before else min(pause_s * 1.5, _LONGEST_PAUSE_S)
            run.ended.wait(pause_s)
        if run.error is not None:
            raise run.error
        if run.gone:
            raise UsageError(_GONE)
        if count != run.progress.rows:
            raise DamageError(
                f"{run.out}: {run.progress.rows} rows are committed, and {count} could be read"
            )

    def wait(self, timeout_s: float | None = None) -> Progress:
        """Wait for the end, at most so long; raises what ended the job, as `rows` does.

        After the time the progress is returned: see its `ended`.
        """
        self.start()
        if self._run is not None:
            self._run.require_here()
            if self._run.ended.wait(timeout_s) and self._run.error is not None:
                raise self._run.error
        return self.progress

    def stop(self) -> Progress:
        """Let requests in flight finish (`worker.grace_s` at most), commit them, end all roles.

        Whoever waits for rows gets the last ones, and then StoppedError. With `out`, the same job
        resumes. Does nothing to a job that has ended or was not started.
        """
        if self._run is not None:
            self._run.require_here()
            self._run.ask()
            self._run.ended.wait()
        return self.progress

    def close(self) -> None:
        """End all roles at once and remove a temporary directory. Further calls do nothing."""
        if self._run is not None:
            self._end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def fetch(
    urls: Urls,
    *,
    out: _Out = None,
    conf: _Out = None,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    pool_size: int | None = None,
    batch_size: int | None = None,
    **sections: Mapping[str, object],
) -> Generator[Row, None, None]:
    """Fetch each of `urls`; yields exactly one row for each, in the order of commit.

    `urls`: any iterable (of any length: it is written to a file first) of URLs, or of dicts with
    `url` and maybe `method`, `headers`, `body` (str or bytes) and `id`; or the path of a URL file.
    `row.line` is an item's number, from 1.
    `out`: a directory that keeps the rows; the same call again resumes. Without it they are in a
    temporary one, which is removed at the end.
    Settings, as for `fetcher run`: `conf`, a TOML file; `workers`, `pool_size`, `batch_size`;
    each section as an argument, `http={"total_timeout_s": 10}`; or by full names,
    `settings={"http.total_timeout_s": 10}`. FETCHER_… variables apply, too.

    Raises ConfigError and InputError at once; while it is iterated, what `Job.start` and
    `Job.rows` raise.
    """
    job = Job(
        urls,
        out=out,
        conf=conf,
        settings=settings,
        workers=workers,
        pool_size=pool_size,
        batch_size=batch_size,
        **sections,
    )
    return rows_of(job)


def rows_of(job: Job) -> Generator[Row, None, None]:
    """Run the job; yields each of its rows."""
    with job:
        yield from job.rows()


def _refuse_patched() -> None:
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        raise UsageError(
            "this process is patched by gevent, and a job's thread would block all its greenlets; "
            "run `fetcher run` as a process of its own"
        )
