"""Which sinks' shares of the batches are frozen, and what time it is for each of them.

Each sink has a share of the batches (protocol.shard). A share freezes on its own while its sink is
away or cannot commit; a pause freezes all shares. The clock of a frozen share stands still: when it
goes on, every deadline of its leases moves by the time that was lost.
"""

from __future__ import annotations

import msgspec

from fetcher.protocol.shard import sink_of


class _Share(msgspec.Struct):
    """Times of one share, seconds; None: it goes on."""

    # Since its sink is away or cannot commit; the time before the end of a pause does not count.
    cut_off_at: float | None = None
    frozen_at: float | None = None  # since it is cut off, or all shares are paused


class FrozenShares:
    """Freezes and thaws shares; `index` is a share's number, `batch` the id of a batch."""

    def __init__(self, shares: int) -> None:
        self._shares = [_Share() for _ in range(shares)]
        self.is_paused = False

    def __len__(self) -> int:
        return len(self._shares)

    def index(self, batch: int) -> int:
        """The share of a batch."""
        return sink_of(batch, len(self._shares))

    def _share(self, batch: int) -> _Share:
        return self._shares[self.index(batch)]

    # -- changes -----------------------------------------------------------------------------

    def freeze(self, now: float, index: int) -> None:
        """The share's sink is away or cannot commit."""
        share = self._shares[index]
        if share.cut_off_at is None:
            share.cut_off_at = now
        if share.frozen_at is None:
            share.frozen_at = now

    def thaw(self, now: float, index: int) -> float | None:
        """The sink is back. Returns for how many seconds its share was frozen, if it goes on."""
        self._shares[index].cut_off_at = None
        return None if self.is_paused else self._go_on(now, index)

    def pause(self, now: float) -> None:
        """Freeze all shares until `resume`."""
        self.is_paused = True
        for share in self._shares:
            if share.frozen_at is None:
                share.frozen_at = now

    def resume(self, now: float) -> dict[int, float]:
        """End the pause. Returns the shares that go on -> for how many seconds each was frozen."""
        self.is_paused = False
        frozen_s: dict[int, float | None] = {}
        for index, share in enumerate(self._shares):
            if share.cut_off_at is None:
                frozen_s[index] = self._go_on(now, index)
            else:
                share.cut_off_at = now
        return {index: seconds for index, seconds in frozen_s.items() if seconds is not None}

    def _go_on(self, now: float, index: int) -> float | None:
        frozen_at, self._shares[index].frozen_at = self._shares[index].frozen_at, None
        return None if frozen_at is None else now - frozen_at

    # -- questions ---------------------------------------------------------------------------

    def is_cut_off(self, index: int) -> bool:
        """Whether this share's sink is away or cannot commit."""
        return self._shares[index].cut_off_at is not None

    def cut_off_s(self, batch: int, now: float) -> float:
        """For how long the sink of a batch has been cut off while workers were at work."""
        cut_off_at = self._share(batch).cut_off_at
        return 0.0 if cut_off_at is None else now - cut_off_at

    def is_frozen(self, index: int) -> bool:
        """Whether this share is frozen."""
        return self._shares[index].frozen_at is not None

    def has_frozen(self, batch: int) -> bool:
        """Whether the share of a batch is frozen."""
        return self._share(batch).frozen_at is not None

    @property
    def is_all_frozen(self) -> bool:
        """Whether every share is frozen."""
        return all(share.frozen_at is not None for share in self._shares)

    def clock(self, batch: int, now: float) -> float:
        """The time for deadlines of a batch: the time at which its share froze, if it is frozen.

        So a deadline that is set while the share is frozen does not run before the share goes on.
        """
        frozen_at = self._share(batch).frozen_at
        return now if frozen_at is None else frozen_at
