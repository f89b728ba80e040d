"""The program, for support.forking: with all that its commands import, but not yet begun."""

from __future__ import annotations

import importlib
import signal
from typing import Any

from fetcher import lean_msgspec  # noqa: F401 (before all that imports msgspec)
from fetcher.cli import main as program
from fetcher.engines import children
from support import role_forks

for name in ("run", "crawl", "retry", "refresh"):
    importlib.import_module(f"fetcher.cli.{name}")


def main() -> None:
    """As `fetcher.__main__`, but its roles are forked, too; never returns."""
    supervision: Any = children
    supervision.subprocess = role_forks.subprocesses()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    program.main()
