"""`bootstrap.py fetcher.roles.preflight_main`: loads what a worker with these settings would load.

Reads a Trial from standard input. If something is wrong with it, writes this to standard output and
exits with code 2. No module imports this file.
"""

from fetcher.roles.monkeypatch import patch_all

patch_all()

import os
import sys
from typing import NoReturn

import msgspec

from fetcher.errors import ConfigError, Exit
from fetcher.fetch.interface import make_fetcher
from fetcher.roles.interpreter import search_also
from fetcher.roles.preflight import Trial
from fetcher.roles.worker.row_builder import RowBuilder


def _try() -> Exit:
    reply = os.dup(sys.stdout.fileno())
    # The user's modules may print: this must not be taken for the answer.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
    search_also(trial.own_folders)
    try:
        RowBuilder(trial.settings.worker)
        make_fetcher(trial.settings, "trial")
    except ConfigError as error:
        os.write(reply, str(error).encode())
        return Exit.USAGE
    return Exit.DONE


def main() -> NoReturn:
    """Exit at once, without waiting for the modules' threads and exit functions."""
    os._exit(_try())


if __name__ == "__main__":
    main()
