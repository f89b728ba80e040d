"""Waits, in a patched process, for the end of the process that started it."""

from __future__ import annotations

from gevent.os import make_nonblocking, nb_read

from fetcher.roles.spec import PARENT_FD


def wait_for_parents_end() -> None:
    """Return when the parent has closed its end of our standard input, or has died."""
    make_nonblocking(PARENT_FD)
    while nb_read(PARENT_FD, 1):
        pass
