"""Decides, from the ends of its first processes, whether a role can start at all.

If one of its processes was ever ready, the role can start. If all its processes end alike before
they are ready, it never will, and the user reads once why.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

ENOUGH_DEATHS: Final = 3  # alike and in a row, of processes that were not ready
_MOST_LINES: Final = 1000  # of different text that a role's failing processes wrote
_VARYING: Final = re.compile(r"0x[0-9a-f]+|\d+")  # addresses, process ids, times


class Startup:
    """The starts of one role's processes."""

    def __init__(self, logged: dict[str, str]) -> None:
        """`logged`: a line without its varying parts -> its process; shared by all roles."""
        self.is_proven = False  # one of its processes was ready
        self._children = 0
        self._code: int | None = None  # of the newest death
        self._deaths = Counter[str]()  # in a row with this exit code, by child
        self._logged = logged
        self._is_silent = True  # its processes have written nothing

    def add(self) -> None:
        """Note one more child of the role."""
        self._children += 1

    def ready(self) -> None:
        """Note that a process of the role has begun its work."""
        self.is_proven = True

    def died(self, child: str, code: int) -> None:
        """Note that a process of this child ended before it was ready."""
        if code != self._code:
            self._deaths.clear()
        self._code = code
        self._deaths[child] += 1

    @property
    def is_hopeless(self) -> bool:
        """Whether the next process would end the same way.

        Each child must have tried once; several times if signals ended it, as somebody may have
        sent these.
        """
        if self.is_proven or len(self._deaths) < self._children:
            return False
        tries = 1 if self._code is not None and self._code >= 0 else ENOUGH_DEATHS
        return self._deaths.total() >= ENOUGH_DEATHS and min(self._deaths.values()) >= tries

    def verdict(self, role: str, how: str) -> str:
        """Return the message for a hopeless role; `how`: how its processes ended."""
        why = "the lines above say why"
        if self._is_silent:
            why = "they wrote nothing; is there enough memory, and does the same Python run alone?"
        count = self._deaths.total()
        return f"no {role} can start: {count} in a row ended ({how}) before they began; {why}"

    def is_new(self, process: str, line: str) -> bool:
        """Return whether no other process wrote this line before its role was ready."""
        self._is_silent = False
        if self.is_proven:
            return True
        if len(self._logged) >= _MOST_LINES:
            return False
        return self._logged.setdefault(_VARYING.sub("#", line), process) == process
