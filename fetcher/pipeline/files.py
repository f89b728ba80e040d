"""Open files of a role: how many it needs, and that it may have them."""

from __future__ import annotations

import resource
from typing import Final

from fetcher.errors import ConfigError
from fetcher.settings import Settings

_BESIDE_CONNECTIONS: Final = 100  # sockets of the pipeline, libraries' own files, name look-ups


def allow(settings: Settings) -> None:
    """Raise the soft limit to the hard one. Raises ConfigError where that is too low."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = limit_for(files_needed(settings), None if hard == resource.RLIM_INFINITY else hard)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def raise_limit() -> None:
    """Raise the soft limit to the hard one: strangers' connections must not use up a role's."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def files_needed(settings: Settings) -> int:
    """Connections in use count among those that are kept."""
    connections = max(settings.worker.pool_size, settings.http.max_connections)
    return connections + _BESIDE_CONNECTIONS


def limit_for(needed: int, hard: int | None) -> int | None:
    """The soft limit to set (None: none is needed). Raises ConfigError."""
    if hard is not None and hard < needed:
        raise ConfigError(
            f"worker.pool_size and http.max_connections need {needed} open files in a process, and "
            f"the limit is {hard}; raise it (ulimit -Hn, LimitNOFILE=) or lower them"
        )
    return hard
