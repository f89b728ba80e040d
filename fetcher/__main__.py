"""`python -m fetcher` and the `fetcher` program."""

from __future__ import annotations

import gc

gc.disable()  # until the modules are imported, see fetcher.roles.lifetime

import os  # noqa: E402
import sys  # noqa: E402


def _put_current_folder_last() -> None:
    """`python -m` lets it lead sys.path: its `http.py` would replace the standard library's."""
    try:
        leads = sys.path[0] == os.getcwd()  # noqa: PTH109 (pathlib would come from there)
    except OSError:  # the current folder is gone
        return
    if leads and not sys.flags.safe_path:
        sys.path.append(sys.path.pop(0))


if __name__ == "__main__":
    _put_current_folder_last()

import signal  # noqa: E402

# A Ctrl-C while the program loads waits until it can be told in a line; see fetcher.cli.main.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

from fetcher import lean_msgspec  # noqa: E402, F401 (before all that imports msgspec)
from fetcher.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
