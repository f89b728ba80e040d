"""Finds the line that kills its workers, or whose row the sink does not take.

A part of a batch that is blamed is split until each line is alone. From then on only deaths and
losses that happen while the line is alone are counted. Each step makes a part smaller or a count
larger, so every line ends. A condemned line gets a `crashed` row, written through its sink.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from fetcher import bitset
from fetcher.error_kinds import ErrorKind
from fetcher.leases.types import BatchPart
from fetcher.protocol.messages import Suspect
from fetcher.protocol.shard import sink_of

SPLIT: Final = 8  # into how many parts a blamed part is split
MAX_SPARED: Final = 3  # deaths for which a part is not blamed because it was parked
# How often the row of a line that is alone may be lost, the last two times from different workers:
# a worker whose rows are always refused must not condemn a line that another would fetch.
MAX_LOSSES: Final = 5
MAX_LOSSES_AT_ONE: Final = 20  # the same limit, if only one worker ever gets the line
CONDEMN_AGAIN_S: Final = 5.0  # until the row of a condemned line is sent again


class Condemned(msgspec.Struct):
    """A line that needs a `crashed` row, and the contents of that row."""

    part: BatchPart
    attempts: int
    error_kind: ErrorKind
    error: str
    announce_at: float = 0.0

    @property
    def offset(self) -> int:
        """The line, counted from the first line of its batch."""
        return self.part.mask.bit_length() - 1


class Poison:
    """Counts deaths and losses, and keeps condemned lines until their rows are committed."""

    def __init__(self, poison_deaths: int, shares: int) -> None:
        """`poison_deaths`: deaths that a line alone must cause to be condemned."""
        self._poison_deaths = poison_deaths
        self._condemned: dict[tuple[int, int], Condemned] = {}  # by batch and mask
        self._is_changed = [False] * shares  # since the last `suspects_if_changed`

    # -- verdicts ----------------------------------------------------------------------------

    def after_death(self, part: BatchPart, *, is_alone: bool, is_parked: bool) -> list[BatchPart]:
        """The parts to queue for a part whose worker died before a line of it was committed.

        `is_alone`: it was a single line when it was handed out. (A line whose companions were
        committed meanwhile was not alone.)
        """
        if is_parked and part.spared < MAX_SPARED:
            # A parked part was not in flight, so it did not kill. But a part that kills at once is
            # never reported as in flight: it is spared a few times only.
            return [replace(part, spared=part.spared + 1)]
        self._mark(part.batch)
        if not is_alone:
            # Only deaths of a line alone count; before, any of these lines may have caused them.
            return [
                BatchPart(part.batch, mask, 1, route=part.route)
                for mask in bitset.parts(part.mask, SPLIT)
            ]
        if part.deaths >= self._poison_deaths:
            said = f"its worker died each time it was fetched alone ({part.deaths} times)"
            return self._condemn(part, part.deaths, ErrorKind.CRASHED_DIED, said)
        return [replace(part, deaths=part.deaths + 1, spared=0)]

    def after_loss(
        self, part: BatchPart, worker: str, *, is_alone: bool, is_only_worker: bool
    ) -> list[BatchPart]:
        """The parts to queue for a part whose rows were sent by this worker and not committed.

        A sink refuses whole chunks, and no chunk has rows of two leases. So if a line is alone in
        its lease, the chunk was refused because of this line.
        """
        if not is_alone:
            return [replace(part, mask=mask) for mask in bitset.parts(part.mask, SPLIT)]
        self._mark(part.batch)
        lost = replace(part, losses=part.losses + 1, lost_by=worker)
        # After a restart of the ventilator, the worker that lost it last is not known.
        is_elsewhere = is_only_worker or part.lost_by not in ("", worker)
        if lost.losses < (MAX_LOSSES if is_elsewhere else MAX_LOSSES_AT_ONE):
            return [lost]
        said = (
            f"its row was refused by the sink, or lost on the way, each time it was fetched "
            f"alone ({lost.losses} times); the sink's log says why"
        )
        return self._condemn(lost, lost.losses, ErrorKind.CRASHED_LOST, said)

    def _condemn(
        self, part: BatchPart, attempts: int, kind: ErrorKind, error: str
    ) -> list[BatchPart]:
        self._condemned[part.batch, part.mask] = Condemned(part, attempts, kind, error)
        return []

    # -- the condemned -----------------------------------------------------------------------

    def due(self, now: float) -> Iterator[Condemned]:
        """The condemned lines whose rows are to be sent (again) now."""
        for each in self._condemned.values():
            if each.announce_at <= now:
                each.announce_at = now + CONDEMN_AGAIN_S
                yield each

    def committed(self, batch: int, mask: int) -> None:
        """The rows of these lines are committed."""
        for key in [key for key in self._condemned if key[0] == batch and key[1] & mask]:
            del self._condemned[key]
            self._mark(batch)

    # -- restarts ----------------------------------------------------------------------------

    def _share(self, batch: int) -> int:
        return sink_of(batch, len(self._is_changed))

    def _mark(self, batch: int) -> None:
        self._is_changed[self._share(batch)] = True

    def suspects_if_changed(self, index: int, parts: Iterable[BatchPart]) -> list[Suspect] | None:
        """The blamed lines of a share; None if nothing has changed since the last call.

        A next ventilator needs them. `parts`: all uncommitted parts of the share.
        """
        if not self._is_changed[index]:
            return None
        self._is_changed[index] = False
        condemned = (each.part for each in self._condemned.values())
        of_share = (each for each in condemned if self._share(each.batch) == index)
        return [*suspects_of([*parts, *of_share])]


def suspects_of(parts: Iterable[BatchPart]) -> Iterator[Suspect]:
    """The parts that are blamed for deaths or losses, in as few entries as possible."""
    lost: dict[tuple[int, int, int], int] = {}
    for part in parts:
        if part.losses:  # a single line; a broken worker can make very many of these
            key = (part.batch, part.deaths, part.losses)
            lost[key] = lost.get(key, 0) | part.mask
        elif part.deaths:
            yield Suspect(batch=part.batch, mask=bitset.pack(part.mask), deaths=part.deaths)
    for (batch, deaths, losses), mask in lost.items():
        yield Suspect(batch=batch, mask=bitset.pack(mask), deaths=deaths, losses=losses)


def parts_of(suspect: Suspect, wanted: int, route: int = 0) -> Iterator[BatchPart]:
    """The parts that a suspect was made of, as far as their lines are in the mask `wanted`."""
    mask = bitset.unpack(suspect.mask) & wanted
    masks = bitset.parts(mask, mask.bit_count()) if suspect.losses else [mask]
    for each in masks:
        if each:
            yield BatchPart(suspect.batch, each, suspect.deaths, losses=suspect.losses, route=route)
