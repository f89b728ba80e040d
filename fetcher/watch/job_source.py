"""A job of this host: its ventilator is asked where there is one, and its files are read elsewhere.

Law: whatever the ventilator does, there is a view: it may be starting, be another user's, or gone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from fetcher.errors import UnreachedError
from fetcher.watch.client import ANSWER_S, Watcher, near
from fetcher.watch.files_view import Files
from fetcher.watch.terminal.view import View, of_live


class JobSource:
    """Looks at an OUT again and again. Raises UsageError, DamageError."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._files = Files(out)
        self._endpoint = ""
        self._watcher: Watcher | None = None
        self._is_first = True

    def look(self) -> View:
        """What is known now."""
        live = self._ask()
        if live is None:
            return self._files.look()
        if self._is_first:  # workers tell of hosts once they have heard that somebody looks
            self._is_first = False
            read = self._files.look()
            live = msgspec.structs.replace(
                live,
                rates=read.rates,
                hosts=live.hosts or read.hosts,
                mishaps=live.mishaps or read.mishaps,
            )
        return live

    def _ask(self) -> View | None:
        endpoint = near(self._out)
        if endpoint != self._endpoint:
            self.close()
            self._endpoint = endpoint
            self._watcher = Watcher(endpoint, "") if endpoint else None
        if self._watcher is None:
            return None
        try:
            live = self._watcher.look(ANSWER_S)
        except UnreachedError:
            return None
        return of_live(f"{self._files.name} in {self._out}", live)

    def close(self) -> None:
        """Leave the ventilator alone."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
