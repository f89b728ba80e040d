"""When the lines of a crawl were found: when the row of the page that links to them ended.

Pure. Takes 4 bytes of memory a line: the end of each row, in sixteenths of a second.
"""

from __future__ import annotations

from array import array
from typing import Final

_PER_S: Final = 16
_BEFORE_S: Final = 86_400.0  # clocks of workers may differ by so much
_LATEST: Final = 2**32 - 1


class Discovery:
    """The ends of rows, which come in the order of their commits: finders come first."""

    def __init__(self, lines: int) -> None:
        """`lines`: of the crawl's log."""
        self._ends = array("I", bytes(4 * (lines + 1)))  # by line; 0: not known
        self._begin_s: float | None = None

    def found_at_s(
        self, line: int, finder: int | None, began_s: float, ended_s: float
    ) -> float | None:
        """Note the end of a row; return when its line was found, None if that is not known.

        A seed (without `finder`) counts as found when its fetch began. Times are Unix times.
        """
        if self._begin_s is None:
            self._begin_s = began_s - _BEFORE_S
        begin_s, ends = self._begin_s, self._ends
        if 0 < line < len(ends):
            ends[line] = min(max(round((ended_s - begin_s) * _PER_S), 1), _LATEST)
        if finder is None:
            return began_s
        if not 0 < finder < len(ends) or not ends[finder]:
            return None
        return begin_s + ends[finder] / _PER_S
