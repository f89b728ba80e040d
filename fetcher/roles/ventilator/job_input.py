"""The job's input and terms, as the ventilator reads them and as its sinks began the job with them.

The URL file is counted and hashed before the job begins, up to a limit; the rest is counted while
the job runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from fetcher import __version__
from fetcher.errors import ConflictError, InputError
from fetcher.input import formats, log_lines
from fetcher.input.formats import TaskOf
from fetcher.input.routes import Routing
from fetcher.input.source import Source
from fetcher.input.source_info import SourceInfo
from fetcher.leases.crawl_feed import SeedPage
from fetcher.model import Batch
from fetcher.protocol import line_tags, messages
from fetcher.protocol.output_spec import Output
from fetcher.protocol.shard import Share
from fetcher.roles.spec import RoleSpec
from fetcher.roles.ventilator.seeds import SeedReader
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.settings.sections_routes import DEFAULT
from fetcher.store import begun
from fetcher.store.selection import SelectedLines

_COUNT_FIRST_BYTES: Final = 64 * 1024 * 1024  # counted and hashed before the job begins


class JobInput:
    """The lines of a job and the terms on which they are fetched.

    `info`: what is known of the URL file so far. `output`: the form of rows and bodies.
    `routing`: which lines are of which route; None: the job has no routes.
    `task_of`: decodes a line, given its number and its bytes. `crawl`: the rules of a crawl, whose
    lines are those of its log; the file then holds its seeds. None: the job is a list.
    """

    def __init__(self, spec: RoleSpec, settings: Settings) -> None:
        """Read the beginning of the URL file. Raises FetcherError."""
        self._settings = settings
        self._given = spec.given
        self._selection = spec.selection
        selected = SelectedLines(Path(spec.out), spec.selection) if spec.selection else None
        self._name = spec.input_name or Path(spec.urlfile).name
        self._source = Source(Path(spec.urlfile), settings.input, selected)
        self.crawl = spec.crawl
        self._refresh = spec.refresh
        self.task_of = formats.decoder(self.format)
        self._seeds = SeedReader(self._source) if spec.crawl is not None else None
        self.routing = _routing(settings, self.task_of)
        self._census = self._source.census()
        self.info = self._count_first()
        self._batch_size = settings.job.batch_size
        self.output = Output(
            **msgspec.structs.asdict(settings.output),
            body_names="typed" if settings.output.bodies == "files" else "sha256",
        )

    def _count_first(self) -> SourceInfo:
        info = SourceInfo()
        for info in self._census:
            if info.checked_bytes >= _COUNT_FIRST_BYTES:
                break
        is_empty_retry = self._selection is not None and not self._selection.lines
        if info.at_end and not info.url_lines and not is_empty_retry:
            raise self._source.holds_none()
        return info

    @property
    def format(self) -> formats.LineFormat:
        """The format of the lines."""
        return self._source.format if self.crawl is None else formats.LOG

    def seeds(self, first: int) -> SeedPage:
        """The seeds of a crawl from this number on, from 0."""
        assert self._seeds is not None
        return self._seeds.page(first)

    @property
    def is_counted(self) -> bool:
        """Whether the whole file has been counted."""
        return self.info.at_end

    def count_more(self) -> None:
        """Count and hash the next part of the file."""
        self.info = next(self._census)

    def require_read(self, lines_read: int) -> None:
        """Raise InputError unless `lines_read` is the number of lines that were counted.

        Otherwise the job could never end.
        """
        if lines_read != self.info.url_lines:
            raise InputError(
                f"{self._source.path}: changed while it was read; restore it and run the same "
                "command again"
            )

    @property
    def route_names(self) -> Sequence[str]:
        """The names of the routes, the default one first."""
        return (DEFAULT,) if self.routing is None else self.routing.names

    def batches(self) -> Iterator[Batch]:
        """Read the file from its beginning, in batches."""
        return self._source.batches(self._batch_size)

    def named(self, line: int, raw: bytes) -> line_tags.Named:
        """What the tag of a line covers, given its number and its bytes."""
        if self.crawl is not None:
            try:
                found = log_lines.decode(raw)
            except (ValueError, RecursionError):
                pass  # its task says what is wrong
            else:  # the same as of its task, for a third of what that costs
                said = found.depth, found.found_on, found.via, found.hops
                return line_tags.named(line, found.url, found.id, said)
        task = self.task_of(line, raw)
        return line_tags.named(line, task.url, task.id, task.found)

    # -- the terms of the job ----------------------------------------------------------------

    def offer(self, session: str, job: str, share: Share) -> messages.Open:
        """Return the request by which a sink begins the job, or goes on with it."""
        return messages.Open(
            session=session,
            input=messages.InputSpec(
                name=self._name,
                path=str(self._source.path.absolute()),
                file_bytes=self._source.file_bytes,
                source=self.info,
                format=self._source.format,
                selection=self._selection or UNSET,
                crawl=UNSET if self.crawl is None else self.crawl,
                refresh=self._refresh or UNSET,
            ),
            batch_size=self._batch_size,
            settings=load.without_secrets(self._settings),
            version=__version__,
            share=share,
            output=self.output,
            job=job,
        )

    def adopt(self, opened: messages.Opened) -> None:
        """Take over the terms on which the job was begun.

        Raises ConflictError if the URL file or a given setting contradicts them.
        """
        if opened.source != self.info:
            self._source.require_same(opened.source, "the output directory")
            if opened.source.at_end:
                self.info, self._census = opened.source, iter(())
        begun.require_same(
            "the sink's OUT was begun with",
            begun.FixedSettings(opened.batch_size, opened.output),
            self._settings,
            self._given,
        )
        self._batch_size = opened.batch_size
        self.output = opened.output  # also of what has no setting, such as the names of bodies
        self._adopt_columns(keep=bool(opened.keep_columns))

    def _adopt_columns(self, *, keep: bool) -> None:
        found = self._source.format
        if found.keep_columns == keep:
            return
        origin = self._given.get("input.keep_columns")
        if origin is not None:
            raise ConflictError(
                f"the sink's OUT was begun with input.keep_columns = {str(keep).lower()} "
                f"({origin} says otherwise); leave this setting out, or choose another OUT"
            )
        self._source.format = msgspec.structs.replace(found, keep_columns=keep)
        self.task_of = formats.decoder(self.format)


def _routing(settings: Settings, task_of: TaskOf) -> Routing | None:
    if not settings.routes:
        return None
    return Routing([(route.name, route.match) for route in settings.routes], task_of)
