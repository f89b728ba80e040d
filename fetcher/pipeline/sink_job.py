"""The job that a sink has begun: what it takes of what workers send, and when the job is complete.

Law: a chunk is proven before it is taken. That the job is complete is written durably before
anybody is told.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from fetcher.core import archive, wire
from fetcher.core.intake import Intake
from fetcher.core.output import warcinfo_id
from fetcher.core.tally import SourceInfo
from fetcher.encode.proof import RowProof
from fetcher.encode.rows import body_reader
from fetcher.errors import WireError
from fetcher.pipeline.blocked_first import BlockedFirst
from fetcher.pipeline.channel import drop
from fetcher.pipeline.finishing import Finishing
from fetcher.settings import Settings
from fetcher.store.manifest import Manifest
from fetcher.store.secret import secret_of
from fetcher.store.store import OutputDirectory, Store

log = logging.getLogger(__name__)

_MOST_UNPACKED: Final = 1032  # bytes of deflate's one (zlib's own figure)


class SinkJob:
    """The begun job: its store, its intake, and what is known of its input."""

    def __init__(
        self,
        directory: OutputDirectory,
        manifest: Manifest,
        settings: Settings,
        epoch: str,
    ) -> None:
        self._directory = directory
        self._manifest = manifest
        self._epoch = epoch
        self._output = manifest.output
        self._store = Store(
            directory.path, manifest, settings.sink.segment_bytes, self._warc_begins
        )
        self._source = self._store.journal.source()
        self._suspects = self._store.journal.suspects()
        self.intake = Intake(self._store, self._store.journal.recover(), manifest.job, epoch)
        self._first = BlockedFirst(self._output.rows, self.intake.totals)
        self.complete = manifest.state == "complete"
        self._finishing = Finishing(self._last_steps)
        self._key = secret_of(directory.path)
        self._proof = RowProof(self._output, self._key)
        # No line is shorter than its line feed, and no gzip makes more of a byte than this.
        self._batches = manifest.input.bytes * _MOST_UNPACKED // manifest.batch_size + 1

    def _warc_begins(self, name: str) -> bytes:
        # Imported by jobs that keep WARC files only.
        from fetcher.encode import warc  # noqa: PLC0415

        return warc.warcinfo(
            name, warcinfo_id(self._manifest.job, self._manifest.share.index, name)
        )

    def take(self, header: wire.ChunkHeader, rows: bytes) -> None:
        """One chunk of results; a malformed one is dropped."""
        try:
            size, share = self._manifest.batch_size, self._manifest.share
            if header.job != self._manifest.job:
                return  # of a job that was here before
            chunk = wire.check_chunk(header, rows, size, self._batches, share)
            bodies = self._output.bodies
            if (chunk.kept and bodies not in ("files", "warc")) or (
                chunk.empty and bodies != "files"
            ):
                raise WireError("chunk: bodies that nobody keeps")
            if self._output.warc_dedupe and bodies == "warc":
                starts = itertools.accumulate(chunk.kept_bytes, initial=0)
                for start, end in itertools.pairwise(starts):
                    if start < end:
                        archive.unpack(chunk.kept[start:end])
            files = self._proof.require(chunk)
            self.intake.offer(replace(chunk, body_files=files), size)
            self._first.note(chunk)
        except WireError as error:
            drop("contradictory", f"a {error} (from {header.worker!r}; fetched again)")

    def note(
        self, source: SourceInfo, suspects: list[wire.Suspect] | None, url_lines: int | None
    ) -> None:
        """What the ventilator has found out; written only where it matters to a next one."""
        # Not by the journal alone: a sink may have been killed before it wrote the manifest.
        ended = source.at_end and self._manifest.input.url_lines is None
        grown = source.checked_bytes > self._source.checked_bytes
        if suspects is not None and suspects == self._suspects:
            suspects = None
        if ended or grown or suspects is not None:
            self._store.journal.note(source=source if grown or ended else None, suspects=suspects)
            self._source = source if grown or ended else self._source
            self._suspects = self._suspects if suspects is None else suspects
        if ended:
            self._manifest.input.sha256 = source.checked_sha256
            self._manifest.input.url_lines = source.url_lines
        counted = url_lines is not None and self._manifest.share_url_lines != url_lines
        if url_lines is not None and counted:
            self._store.journal.share_counted(url_lines)
            self._manifest.share_url_lines = url_lines
        if ended or counted:
            self._directory.save()
        self.check_complete()

    def check_complete(self) -> None:
        """Every line has its row: say so in the manifest, durably, before telling anybody.

        But first the last steps are made, some at each call. Raises NoSpaceError, DamageError.
        """
        rows = self.intake.totals.rows
        is_all = rows == self._manifest.share_url_lines
        if hint := self._first.hint(rows, is_all=is_all):
            log.warning("%s", hint)
        if self.complete or not is_all:
            return
        if self._finishing.work():
            self._manifest.state = "complete"
            self._directory.save()
            self.complete = True

    def _last_steps(self) -> Iterator[None]:
        if self._output.bodies == "warc":
            # warcio is for such jobs only.
            from fetcher.store import cdxj  # noqa: PLC0415

            yield from cdxj.build(self._directory.path, self._store.journal.lengths())
        yield from self._store.inspect(body_reader(self._output.rows))

    @property
    def has_last_rows(self) -> bool:
        """Whether rows wait for their commit that make the job's the last."""
        waiting = self.intake.pending_rows
        return bool(waiting) and (
            self.intake.totals.rows + waiting == self._manifest.share_url_lines
        )

    @property
    def is_finishing(self) -> bool:
        """Whether all rows are committed, and the last steps are being made."""
        return self._finishing.is_begun and not self.complete

    def news(self, poll: wire.Poll, stalled: str) -> wire.Committed | wire.Resync:
        """The answer to a poll."""
        changed = self.intake.changed_since(poll.epoch, poll.version)
        if changed is None:
            return wire.Resync()
        return wire.Committed(
            version=self.intake.version,
            changed=changed,
            totals=self.intake.totals,
            complete=self.complete,
            stalled=stalled,
        )

    def opened(self, source: SourceInfo) -> wire.Opened:
        """The answer to an opening; `source` is what the asker has counted of the input."""
        if not self._source.checked_bytes:
            self.note(source, None, None)
        self._store.resume_work()
        done, partial = self.intake.snapshot()
        return wire.Opened(
            job=self._manifest.job,
            batch_size=self._manifest.batch_size,
            source=self._source,
            done=done,
            partial=partial,
            suspects=self._suspects,
            totals=self.intake.totals,
            epoch=self._epoch,
            version=self.intake.version,
            complete=self.complete,
            output=self._output,
            keep_columns=self._manifest.input.format.keep_columns or UNSET,
            key=self._key,
        )

    def close(self) -> None:
        self._store.close()
