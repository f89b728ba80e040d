"""A child on a leash is told to drain, once, and waited for."""

from __future__ import annotations

import subprocess

from fetcher.engines import leashed_child
from fetcher.engines.slot_order import DRAIN


def child(script: str) -> subprocess.Popen[bytes]:
    # Without a buffer, so that what was not taken is not written again at the end.
    return subprocess.Popen(
        ["sh", "-c", script], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def test_it_is_told_once_and_waited_for() -> None:
    with child('head -n 1; read -t 1 more || true; echo "$more"') as process:
        leashed_child.wait(process, lambda: True)
        assert process.communicate()[0] == DRAIN + b"\n"
        assert process.returncode == 0


def test_one_that_ends_by_itself_is_told_nothing() -> None:
    with child("exit 3") as process:
        leashed_child.wait(process, lambda: False)
        assert process.returncode == 3
        leashed_child.tell(process, DRAIN)
