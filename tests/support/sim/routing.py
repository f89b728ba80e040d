"""The routes of a simulated job, by the numbers of lines."""

from __future__ import annotations

from collections.abc import Mapping

from fetcher import bitset
from fetcher.input.routes import Routing
from fetcher.model import Batch, Task


class SimRouting(Routing):
    """The real routing with another rule."""

    def __init__(self, count: int, by_line: Mapping[int, int]) -> None:
        """`by_line`: the route of each line that is not of the default one."""
        names = [f"r{number}" for number in range(1, count)]
        super().__init__([(name, ()) for name in names], lambda line, _: Task(line, ""))
        self._by_line = by_line

    def of_line(self, line: int) -> int:
        """The route of a line."""
        return self._by_line.get(line, 0)

    def _masks(self, batch: Batch) -> tuple[int, ...]:
        masks = [0] * self.count
        for offset in bitset.offsets(batch.mask):
            masks[self.of_line(batch.first_line + offset)] |= 1 << offset
        return tuple(masks)
