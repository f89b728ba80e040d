"""The interface of the fetch core, and the choice of what is behind it.

Law: `fetch` returns a Result for every Task, within the deadline, and raises nothing; it may block
its own greenlet and no other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

from fetcher.config import Http, Settings
from fetcher.errors import ConfigError
from fetcher.model import Result, Task


class Fetcher(Protocol):
    """What a worker calls from each of its pool's greenlets."""

    def fetch(self, task: Task) -> Result:
        """Fetch one URL line."""


Factory = Callable[[Http, int, str], Fetcher]  # (limits, pool size, worker's name)


def make_fetcher(settings: Settings, worker: str) -> Fetcher:
    """The fetcher that `worker.transport` names; only its own module is imported."""
    transport = settings.worker.transport
    known = {
        "requests": "fetcher.net.requests_fetcher:RequestsFetcher",
        "null": "fetcher.net.null:NullFetcher",
    }
    module, _, name = known.get(transport, transport).partition(":")
    try:
        factory: Factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"worker.transport = {transport!r}: {error}") from error
    return factory(settings.http, settings.worker.pool_size, worker)
