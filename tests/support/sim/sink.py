"""The simulated sink: the real decisions on a simulated disk."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from fetcher.commit.committer import Committer
from fetcher.commit.session import CommitJob, CommitSession, JobTerms
from fetcher.errors import WireError
from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, messages
from fetcher.protocol.shard import Share
from support.sim.disk import Disk, SimStore, Violation
from support.sim.record import SimRecord
from support.sim.worker import JOB

if TYPE_CHECKING:
    from support.sim.world import World


class SimSink:
    """Commits the chunks of its share, and answers."""

    store_class = SimStore
    committer_class = Committer
    job_class = CommitJob
    session_class = CommitSession

    def __init__(
        self, world: World, share: Share, disk: Disk, dice: random.Random, epoch: str
    ) -> None:
        self._world = world
        self.share = share
        self._disk = disk
        self.store = self.store_class(disk, dice)
        self._record = SimRecord(world.checks, share.index, disk, self.store, dice)
        self._epoch = epoch
        begun = self._job() if disk.job else None
        self.session = self.session_class("OUT", self._begin, begun, world.now)

    def _job(self) -> CommitJob:
        disk = self._disk
        committer = self._committer()
        terms = JobTerms(disk.job, self._world.batch_size)
        return self.job_class(terms, disk.facts, committer, self._record, self._epoch)

    def _committer(self) -> Committer:
        return self.committer_class(self.store, self.store.recover(), self._disk.job, self._epoch)

    def _begin(self, request: messages.Open) -> CommitJob:
        if request.share != self.share:
            raise Violation(f"{self.share} was asked to open {request.share}")
        if not self._disk.job:
            self._disk.job = request.job or (JOB if self.share.index == 0 else "another job")
        if request.job not in ("", self._disk.job):
            raise Violation(f"a sink of {self._disk.job} was asked to open {request.job}")
        return self.session.job or self._job()

    def take(self, chunk: Chunk) -> None:
        """Raises Violation if the chunk is not for this sink."""
        size, share = self._world.batch_size, self.share
        try:
            chunk = chunk_frames.check_chunk(
                *chunk_frames.chunk_parts(chunk), size, len(self._world.batches), share
            )
        except WireError as error:
            raise Violation(f"{share} was sent a {error}") from error
        self.offer(chunk)

    def offer(self, chunk: Chunk) -> None:
        """Take any message."""
        if self.session.job is not None:
            self.session.job.committer.offer(chunk, self._world.batch_size)
