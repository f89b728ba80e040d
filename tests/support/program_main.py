"""The program, for support.forking: with all that its commands import, but not yet begun."""

from __future__ import annotations

import importlib
import signal

from fetcher import lean_msgspec  # noqa: F401 (before all that imports msgspec)
from fetcher.cli import main as program

for name in ("run", "crawl", "retry", "refresh"):
    importlib.import_module(f"fetcher.cli.{name}")


def main() -> None:
    """As `fetcher.__main__`; never returns."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    program.main()
