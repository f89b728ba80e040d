"""Decides from the number of executors whether the cluster has forgotten the application: pure.

A master that was started again does not know the application, and Spark does not say so: the
executors end, and no others come. Another application gets new ones.
"""

from __future__ import annotations

from typing import Final

_STANDALONE: Final = "spark://"  # only masters of this kind forget an application
_LOST_S: Final = 20.0  # a master that knows the application starts an executor within seconds


class Executors:
    """The executors of one application."""

    def __init__(self, master: str) -> None:
        self._is_standalone = master.startswith(_STANDALONE)
        self._seen_at: float | None = None  # when there was one

    def are_lost(self, count: int, now: float, *, has_no_core: bool) -> bool:
        """Return whether there were executors, and none will come.

        `has_no_core`: Spark has refused a slot for lack of a core, after some time.
        """
        if count:
            self._seen_at = now
        if self._seen_at is None or count:
            return False
        return has_no_core or (self._is_standalone and now - self._seen_at > _LOST_S)
