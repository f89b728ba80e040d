"""The durable data of a simulated job except its rows; see commit.session.JobRecord."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fetcher.commit.session import JobFacts
from fetcher.errors import NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Suspect
from support.sim.disk import Disk, SimStore

if TYPE_CHECKING:
    from support.sim.checks import Checks

_MOST_SLICES = 2  # of the last work, beyond the first


class SimRecord:
    """Keeps facts on the simulated disk; each write is a step in which the sink may die."""

    def __init__(
        self, checks: Checks, index: int, disk: Disk, store: SimStore, dice: random.Random
    ) -> None:
        self._checks, self._index = checks, index
        self._disk = disk
        self._store = store
        self._dice = dice
        self._slices_left: int | None = None

    def note(self, source: SourceInfo | None, suspects: list[Suspect] | None) -> None:
        facts = self._disk.facts
        if suspects is not None:
            self._checks.noted(self._index, facts.suspects, suspects)
        self._write(
            replace(
                facts,
                source=facts.source if source is None else source,
                suspects=facts.suspects if suspects is None else suspects,
            )
        )

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        facts = self._disk.facts
        counted = facts.share_url_lines if share_url_lines is None else share_url_lines
        self._write(
            replace(
                facts,
                is_input_counted=facts.is_input_counted or source is not None,
                share_url_lines=counted,
            )
        )

    def finish(self) -> bool:
        if self._slices_left is None:
            self._slices_left = self._dice.randint(0, _MOST_SLICES)
        if self._disk.full:
            self._slices_left = None
            raise NoSpaceError("the simulated disk is full")
        self._slices_left -= 1
        return self._slices_left < 0

    def complete(self) -> None:
        self._write(replace(self._disk.facts, is_complete=True))

    def _write(self, facts: JobFacts) -> None:
        if self._disk.full:
            raise NoSpaceError("the simulated disk is full")
        self._store.step()
        self._disk.facts = facts
        self._store.step()
