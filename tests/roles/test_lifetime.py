"""The end of a process: at once, but with all that it has written."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, sys
from fetcher.roles import lifetime
gc.disable()
lifetime.imported()
assert gc.isenabled() and gc.get_freeze_count() > 1000
class Slow:
    def __del__(self): print("torn down")
keep = Slow()
print("written")
print("said", file=sys.stderr)
{last}
lifetime.leave(7)
"""


def left(last: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(last=last)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_process_leaves_with_its_code_its_output_and_no_teardown() -> None:
    assert left() == (7, "written\n", "said\n")


def test_a_closed_stream_does_not_change_the_exit_code() -> None:
    assert left("sys.stdout.close(); sys.stderr = None")[0] == 7
