"""The program, for support.forking: with all that its commands import, but not yet begun."""

from __future__ import annotations

import importlib
import signal

from fetcher import lean_msgspec  # noqa: F401 (before all that imports msgspec)
from fetcher.cli import main as program
from support import role_forks

for name in ("cli.run", "cli.crawl", "cli.retry", "cli.refresh", "cli.roles"):
    importlib.import_module(f"fetcher.{name}")
for role in ("sink", "ventilator"):  # as commands of their own
    importlib.import_module(f"fetcher.roles.{role}.role")


def main() -> None:
    """As `fetcher.__main__`, but its roles are forked, too; never returns."""
    for name in role_forks.SUPERVISION:
        vars(importlib.import_module(name))["subprocess"] = role_forks.subprocesses()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    program.main()
