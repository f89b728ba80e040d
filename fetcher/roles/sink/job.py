"""The job that a sink has begun: its files, and the check of the workers' chunks.

A chunk is checked before it is taken. commit.session decides what the ventilator is answered, and
when the job is complete; this module makes it durable.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from fetcher.commit.committer import Committer
from fetcher.commit.session import CommitJob, JobFacts, JobTerms
from fetcher.errors import WireError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import chunk_frames, messages
from fetcher.protocol.output_spec import warcinfo_id
from fetcher.roles.sink.blocked_first import BlockedFirst
from fetcher.roles.sink.crawl_recovery import growth_of
from fetcher.roles.sink.finishing import Finishing
from fetcher.rows import archive
from fetcher.rows.check import RowChecker
from fetcher.rows.forms import body_reader
from fetcher.settings.schema import Settings
from fetcher.store.manifest import Manifest
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.store.secret import secret_of
from fetcher.transport.sockets import drop

log = logging.getLogger(__name__)

_MAX_INFLATION: Final = 1032  # bytes that one byte of deflate may become (zlib's own figure)


class SinkJob:
    """The files of a job that has begun; implements commit.session.JobRecord."""

    def __init__(
        self,
        directory: OutputDirectory,
        manifest: Manifest,
        settings: Settings,
        epoch: str,
    ) -> None:
        self._directory = directory
        self._manifest = manifest
        self._output = manifest.output
        self._store = Store(
            directory.path, manifest, settings.sink.segment_bytes, self._warc_begins
        )
        self._finishing = Finishing(self._last_steps)
        key = secret_of(directory.path)
        self._proof = RowChecker(self._output, key)
        growth = None if manifest.crawl is None else growth_of(manifest.crawl, self._store)
        recovered = self._store.journal.recover()
        self.committer = Committer(self._store, recovered, manifest.job, epoch, growth)
        self._hint = BlockedFirst(
            self._output.rows,
            self.committer.totals,
            str(directory.path),
            is_crawl=manifest.crawl is not None,
        )
        terms = JobTerms(
            manifest.job,
            manifest.batch_size,
            manifest.output,
            key,
            keep_columns=manifest.input.format.keep_columns,
        )
        self.commits = CommitJob(terms, self._facts(), self.committer, self, epoch)

    @property
    def _batches(self) -> int:
        """The most batches that the job can have now."""
        growth, size = self.committer.growth, self._manifest.batch_size
        if growth is not None:
            return growth.committed.ready_lines // size + 1
        # A line has at least its line feed, and gzip makes at most this many bytes of one.
        return self._manifest.input.bytes * _MAX_INFLATION // size + 1

    def _facts(self) -> JobFacts:
        manifest, journal = self._manifest, self._store.journal
        return JobFacts(
            source=journal.source(),
            suspects=journal.suspects(),
            # The journal is not enough: a sink may have been killed before it wrote the manifest.
            is_input_counted=manifest.input.url_lines is not None,
            share_url_lines=manifest.share_url_lines,
            is_complete=manifest.state == "complete",
        )

    def _warc_begins(self, name: str) -> bytes:
        # Only jobs that keep WARC files import warcio.
        from fetcher.rows import warc  # noqa: PLC0415

        return warc.warcinfo(
            name, warcinfo_id(self._manifest.job, self._manifest.share.index, name)
        )

    def take(self, header: messages.ChunkHeader, rows: bytes) -> None:
        """Take a chunk of rows; a malformed one is dropped."""
        try:
            size, share = self._manifest.batch_size, self._manifest.share
            if header.job != self._manifest.job:
                return  # a chunk of an earlier job
            chunk = chunk_frames.check_chunk(header, rows, size, self._batches, share)
            bodies = self._output.bodies
            if (chunk.kept and bodies not in ("files", "warc")) or (
                chunk.empty and bodies != "files"
            ):
                raise WireError("chunk: it has bodies, and the job keeps none")
            if self._output.warc_dedupe and bodies == "warc":
                starts = itertools.accumulate(chunk.kept_bytes, initial=0)
                for start, end in itertools.pairwise(starts):
                    if start < end:
                        archive.unpack(chunk.kept[start:end])
            files = self._proof.require(chunk)
            self.committer.offer(replace(chunk, body_files=files), size)
            self._hint.note(chunk)
        except WireError as error:
            drop("contradictory", f"a {error} (from {header.worker!r}; fetched again)")

    def resume_work(self) -> None:
        """Prepare for more rows, as a ventilator has opened the job (again)."""
        self._store.resume_work()

    def give_hint(self) -> None:
        """Log a hint, once, if the first rows suggest a setting."""
        rows = self.committer.totals.rows
        if hint := self._hint.hint(rows, is_all=rows == self._lines):
            log.warning("%s", hint)

    @property
    def has_last_rows(self) -> bool:
        """Whether the rows that wait for their commit complete the job."""
        waiting = self.committer.pending_rows
        return bool(waiting) and self.committer.totals.rows + waiting == self._lines

    @property
    def _lines(self) -> int | None:
        """The lines of this sink, as far as they are known; of a crawl, those that are ready."""
        growth = self.committer.growth
        return self._manifest.share_url_lines if growth is None else growth.committed.ready_lines

    # -- commit.session.JobRecord: makes durable what the session decides -----------------

    def note(self, source: SourceInfo | None, suspects: list[messages.Suspect] | None) -> None:
        self._store.journal.note(source=source, suspects=suspects)

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        if share_url_lines is not None:
            self._store.journal.share_counted(share_url_lines)
            self._manifest.share_url_lines = share_url_lines
        if source is not None:
            self._manifest.input.sha256 = source.checked_sha256
            self._manifest.input.url_lines = source.url_lines
        self._directory.save()

    def finish(self) -> bool:
        return self._finishing.work()

    def complete(self) -> None:
        self._manifest.state = "complete"
        self._directory.save()

    def _last_steps(self) -> Iterator[None]:
        if self._output.bodies == "warc":
            # Only jobs that keep WARC files import warcio.
            from fetcher.store import cdxj  # noqa: PLC0415

            yield from cdxj.build(self._directory.path, self._store.journal.lengths())
        yield from self._store.inspect(body_reader(self._output.rows))

    def close(self) -> None:
        self._store.close()
