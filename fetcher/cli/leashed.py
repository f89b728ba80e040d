"""`bootstrap.py fetcher.cli.leashed PARENT_PID COMMAND…`: a command that ends with its parent.

For commands that a program runs in the background, such as a task of Celery: see
fetcher.engines.leash. The command stops in good order first, as after Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from fetcher.cli.main import main
from fetcher.engines import leash


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _run() -> NoReturn:
    leash.watch(int(sys.argv.pop(1)), drain=_stop, hurry=_stop)
    main()


if __name__ == "__main__":
    _run()
