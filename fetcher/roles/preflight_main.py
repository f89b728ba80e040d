"""`bootstrap.py fetcher.roles.preflight_main`: becomes a worker as far as its settings lead.

Takes a Trial on standard input; says on standard output what is wrong with them, and leaves
with exit code 2. Nobody imports this file.
"""

from fetcher.roles.monkeypatch import patch_all

patch_all()

import os
import sys

import msgspec

from fetcher.errors import ConfigError, Exit
from fetcher.fetch.interface import make_fetcher
from fetcher.roles.interpreter import search_also
from fetcher.roles.preflight import Trial
from fetcher.roles.worker.row_builder import RowBuilder


def _try() -> Exit:
    reply = os.dup(sys.stdout.fileno())
    # What the user's modules print is no answer.
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


if __name__ == "__main__":
    # At once: their threads and their last functions are not for a trial.
    os._exit(_try())
