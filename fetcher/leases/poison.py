"""Which line is to blame where workers die, or where rows do not reach the output.

Law: what is blamed is split until each line is alone; then only what happens while it is alone
counts against it, and only by number. Each step makes a piece smaller or a count larger, so that
every line ends. A line that is condemned gets a `crashed` row, written through its sink.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from fetcher import bitset
from fetcher.error_kinds import ErrorKind
from fetcher.leases.types import Piece
from fetcher.protocol.messages import Suspect

SPLIT: Final = 8  # parts that a piece is split into when it is blamed
MAX_SPARED: Final = 3  # deaths that a piece may survive because it was parked
# Times that the row of a line alone may be lost, the last two at different workers: a worker that
# lies about every line must not condemn what another would fetch.
MAX_LOSSES: Final = 5
MAX_LOSSES_AT_ONE: Final = 20  # the same, if another worker never gets the line
CONDEMN_AGAIN_S: Final = 5.0


class Condemned(msgspec.Struct):
    """A line that needs a `crashed` row, and what that row should say."""

    piece: Piece
    attempts: int
    error_kind: ErrorKind
    error: str
    announce_at: float = 0.0

    @property
    def offset(self) -> int:
        """The line in its batch."""
        return self.piece.mask.bit_length() - 1


class Poison:
    """Counts deaths and losses; keeps the condemned lines until their rows are committed."""

    def __init__(self, poison_deaths: int, shares: int) -> None:
        """`poison_deaths`: that a line alone must cause to be condemned."""
        self._poison_deaths = poison_deaths
        self._condemned: dict[tuple[int, int], Condemned] = {}  # by batch and mask
        self._is_changed = [False] * shares  # what a next ventilator must know

    # -- verdicts ----------------------------------------------------------------------------

    def after_death(self, piece: Piece, *, is_alone: bool, is_parked: bool) -> list[Piece]:
        """What to hand out instead, as its worker died and committed nothing of it.

        `is_alone`: it was handed out so. What was left alone since has had company.
        """
        if is_parked and piece.spared < MAX_SPARED:
            # Only what was asked can have killed; but what kills at once is never seen asked.
            return [replace(piece, spared=piece.spared + 1)]
        self._mark(piece.batch)
        if not is_alone:
            # Deaths count from when a line is alone: its company is not to blame.
            return [Piece(piece.batch, part, 1) for part in bitset.parts(piece.mask, SPLIT)]
        if piece.deaths >= self._poison_deaths:
            said = f"its worker died each time it was fetched alone ({piece.deaths} times)"
            return self._condemn(piece, piece.deaths, ErrorKind.CRASHED_DIED, said)
        return [replace(piece, deaths=piece.deaths + 1, spared=0)]

    def after_loss(
        self, piece: Piece, worker: str, *, is_alone: bool, is_only_worker: bool
    ) -> list[Piece]:
        """What to hand out instead, as the rows that the worker has sent were not committed.

        A sink refuses whole chunks, and no chunk has rows of two leases: a line that is alone in
        its lease is alone to blame.
        """
        if not is_alone:
            return [replace(piece, mask=part) for part in bitset.parts(piece.mask, SPLIT)]
        self._mark(piece.batch)
        lost = replace(piece, losses=piece.losses + 1, lost_by=worker)
        # After a restart it is not known who lost it last.
        is_elsewhere = is_only_worker or piece.lost_by not in ("", worker)
        if lost.losses < (MAX_LOSSES if is_elsewhere else MAX_LOSSES_AT_ONE):
            return [lost]
        said = (
            f"its row was refused by the sink, or lost on the way, each time it was fetched "
            f"alone ({lost.losses} times); the sink's log says why"
        )
        return self._condemn(lost, lost.losses, ErrorKind.CRASHED_LOST, said)

    def _condemn(self, piece: Piece, attempts: int, kind: ErrorKind, error: str) -> list[Piece]:
        self._condemned[piece.batch, piece.mask] = Condemned(piece, attempts, kind, error)
        return []

    # -- the condemned -----------------------------------------------------------------------

    def due(self, now: float) -> Iterator[Condemned]:
        """Those whose rows are to be sent (again)."""
        for each in self._condemned.values():
            if each.announce_at <= now:
                each.announce_at = now + CONDEMN_AGAIN_S
                yield each

    def committed(self, batch: int, mask: int) -> None:
        """These lines have their rows."""
        for key in [key for key in self._condemned if key[0] == batch and key[1] & mask]:
            del self._condemned[key]
            self._mark(batch)

    # -- restarts ----------------------------------------------------------------------------

    def _mark(self, batch: int) -> None:
        self._is_changed[batch % len(self._is_changed)] = True

    def suspects_if_changed(self, index: int, pieces: Iterable[Piece]) -> list[Suspect] | None:
        """What a next ventilator must know; `pieces`: of this share, all that is not committed.

        None if nothing has changed since last asked.
        """
        if not self._is_changed[index]:
            return None
        self._is_changed[index] = False
        condemned = (each.piece for each in self._condemned.values())
        mine = (each for each in condemned if each.batch % len(self._is_changed) == index)
        return [*suspects_of([*pieces, *mine])]


def suspects_of(pieces: Iterable[Piece]) -> Iterator[Suspect]:
    """The pieces that are blamed for something, in as few entries as may be."""
    lost: dict[tuple[int, int, int], int] = {}
    for piece in pieces:
        if piece.losses:  # a single line, of which a worker's defect can make very many
            key = (piece.batch, piece.deaths, piece.losses)
            lost[key] = lost.get(key, 0) | piece.mask
        elif piece.deaths:
            yield Suspect(batch=piece.batch, mask=bitset.pack(piece.mask), deaths=piece.deaths)
    for (batch, deaths, losses), mask in lost.items():
        yield Suspect(batch=batch, mask=bitset.pack(mask), deaths=deaths, losses=losses)


def pieces_of(suspect: Suspect, wanted: int) -> Iterator[Piece]:
    """What the suspect was made of, where it is still wanted."""
    mask = bitset.unpack(suspect.mask) & wanted
    alone = bitset.parts(mask, mask.bit_count()) if suspect.losses else [mask]
    for part in alone:
        if part:
            yield Piece(suspect.batch, part, suspect.deaths, losses=suspect.losses)
