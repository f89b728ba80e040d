"""Remembers commits of lines that are not added yet: an earlier ventilator handed them out.

Each route of a share adds its own lines of a batch, at its own time. So a commit is remembered
until the last route has added the batch.
"""

from __future__ import annotations


class CommittedAhead:
    """Masks of committed lines by batch."""

    def __init__(self, shares: int, routes: int) -> None:
        self._masks: dict[int, int] = {}
        self._last_added = [[-1] * routes for _ in range(shares)]

    def __len__(self) -> int:
        return len(self._masks)

    def added(self, index: int, route: int, batch: int) -> int:
        """The route adds this batch of a share. Returns which lines of it were committed before."""
        last_added = self._last_added[index]
        last_added[route] = max(last_added[route], batch)
        mask = self._masks.get(batch, 0)
        if not self._may_be_added(index, batch):
            self._masks.pop(batch, None)
        return mask

    def committed(self, index: int, batch: int, mask: int) -> None:
        """These lines are committed, and no route has added them."""
        if mask and self._may_be_added(index, batch):
            self._masks[batch] = mask

    def _may_be_added(self, index: int, batch: int) -> bool:
        """Whether some route of the share has not come to the batch."""
        return min(self._last_added[index]) < batch
