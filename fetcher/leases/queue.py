"""What waits to be handed out, and which shares of it stand still.

Law: each sink's share of the batches (protocol.shard) is read for on its own and freezes on its
own; a pause stops all shares. A clock that stands still gives its time back when it goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from fetcher.leases.types import Piece

Living = Callable[[Piece], Piece | None]


class _Share(msgspec.Struct):
    """What is known of one sink's batches."""

    ready: deque[Piece] = msgspec.field(default_factory=deque)
    open_bytes: int = 0
    is_read: bool = False  # to the end of the source
    # Since its sink is away or cannot commit; the time before the end of a pause does not count.
    cut_off_at: float | None = None
    frozen_at: float | None = None  # since it is cut off, or all is paused


class Backlog:
    """The pieces that are not out."""

    def __init__(self, shares: int) -> None:
        self._shares = [_Share() for _ in range(shares)]
        self._turn = 0  # of the shares, to take from next
        # Single lines that were there at a death. They are tried when nothing else is out, one at
        # a time: a worker that dies then is that line's doing, and not its company's.
        self._lone: deque[Piece] = deque()
        self.is_paused = False

    def index(self, batch_id: int) -> int:
        """The share of a batch."""
        return batch_id % len(self._shares)

    def _share(self, batch_id: int) -> _Share:
        return self._shares[self.index(batch_id)]

    # -- pieces ------------------------------------------------------------------------------

    def push(self, piece: Piece) -> None:
        """To be handed out after what waits already."""
        self._queue_of(piece).append(piece)

    def push_first(self, piece: Piece) -> None:
        """To be handed out next."""
        self._queue_of(piece).appendleft(piece)

    def _queue_of(self, piece: Piece) -> deque[Piece]:
        return self._lone if piece.is_lone else self._share(piece.batch).ready

    def pop(self, living: Living) -> Piece | None:
        """The next piece, of each share in its turn; `living`: what of a piece is still wanted."""
        for _ in self._shares:
            share = self._shares[self._turn]
            self._turn = (self._turn + 1) % len(self._shares)
            while share.ready and share.frozen_at is None:
                if piece := living(share.ready.popleft()):
                    return piece
        return None

    def pop_lone(self, living: Living) -> Piece | None:
        """The next line that is to be tried alone."""
        for _ in range(len(self._lone)):
            suspect = self._lone.popleft()
            if self.is_frozen(suspect.batch):
                self._lone.append(suspect)
            elif piece := living(suspect):
                return piece
        return None

    @property
    def has_lone(self) -> bool:
        """Whether a line waits to be tried alone."""
        return bool(self._lone)

    @property
    def has_ready(self) -> bool:
        """Whether a piece could be handed out now, beside the lone ones."""
        return any(share.ready and share.frozen_at is None for share in self._shares)

    def pieces(self, index: int) -> Iterator[Piece]:
        """All that waits of a share."""
        yield from self._shares[index].ready
        yield from (piece for piece in self._lone if self.index(piece.batch) == index)

    def __len__(self) -> int:
        return len(self._lone) + sum(len(share.ready) for share in self._shares)

    # -- reading -----------------------------------------------------------------------------

    def wants_batch(self, index: int, max_open_bytes: int) -> bool:
        """Whether the source should be read for this share."""
        share = self._shares[index]
        return (
            not share.is_read
            and share.frozen_at is None
            and not share.ready
            and share.open_bytes < max_open_bytes // len(self._shares)
        )

    def opened(self, batch_id: int, cost_bytes: int) -> None:
        """So much more (or less) text of uncommitted batches is kept."""
        self._share(batch_id).open_bytes += cost_bytes

    def read_to_end(self, index: int) -> None:
        """The source has no more batches of this share."""
        self._shares[index].is_read = True

    def is_read(self, index: int) -> bool:
        """Whether all batches of this share have been read."""
        return self._shares[index].is_read

    @property
    def is_all_read(self) -> bool:
        """Whether that is so of all shares."""
        return all(share.is_read for share in self._shares)

    @property
    def is_nothing_to_read(self) -> bool:
        """Whether it is so of all that do not stand still."""
        return all(share.is_read or share.frozen_at is not None for share in self._shares)

    # -- standing still ----------------------------------------------------------------------

    def freeze(self, now: float, index: int) -> None:
        """The share's sink is away or cannot commit."""
        share = self._shares[index]
        if share.cut_off_at is None:
            share.cut_off_at = now
        if share.frozen_at is None:
            share.frozen_at = now

    def thaw(self, now: float, index: int) -> float | None:
        """The sink is back: the seconds that its share stood still, if it goes on."""
        self._shares[index].cut_off_at = None
        return None if self.is_paused else self._go_on(now, index)

    def pause(self, now: float) -> None:
        """All shares stand still."""
        self.is_paused = True
        for share in self._shares:
            if share.frozen_at is None:
                share.frozen_at = now

    def resume(self, now: float) -> dict[int, float]:
        """The shares that go on, and for how many seconds each stood still."""
        self.is_paused = False
        stood: dict[int, float | None] = {}
        for index, share in enumerate(self._shares):
            if share.cut_off_at is None:
                stood[index] = self._go_on(now, index)
            else:
                share.cut_off_at = now
        return {index: seconds for index, seconds in stood.items() if seconds is not None}

    def _go_on(self, now: float, index: int) -> float | None:
        frozen_at, self._shares[index].frozen_at = self._shares[index].frozen_at, None
        return None if frozen_at is None else now - frozen_at

    def is_cut_off(self, index: int) -> bool:
        """Whether this share's sink is away or cannot commit."""
        return self._shares[index].cut_off_at is not None

    def cut_off_s(self, batch_id: int, now: float) -> float:
        """For how long the batch's sink has been so, and workers were at work."""
        cut_off_at = self._share(batch_id).cut_off_at
        return 0.0 if cut_off_at is None else now - cut_off_at

    def is_frozen(self, batch_id: int) -> bool:
        """Whether the batch's share stands still."""
        return self._share(batch_id).frozen_at is not None

    @property
    def is_all_frozen(self) -> bool:
        """Whether all shares stand still."""
        return all(share.frozen_at is not None for share in self._shares)

    def clock(self, batch_id: int, now: float) -> float:
        """The time of a batch's share.

        What stands still gives the lost time back to every deadline, also to one that was set
        meanwhile.
        """
        frozen_at = self._share(batch_id).frozen_at
        return now if frozen_at is None else frozen_at
