"""Open files of a role: how many it needs, and that it may have them."""

from __future__ import annotations

import errno
import resource
from typing import Final

from fetcher.errors import ConfigError
from fetcher.settings.schema import Settings

_FEW: Final = 64  # what each command may open; more than any was seen to
_OF_A_CHILD: Final = 4  # its leash and its stderr, and two more while it is started
_BESIDE_CONNECTIONS: Final = 100  # sockets of the pipeline, libraries' own files, name look-ups


def allow(settings: Settings) -> None:
    """Raise the soft limit to the hard one. Raises ConfigError where that is too low."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = limit_for(files_needed(settings), None if hard == resource.RLIM_INFINITY else hard)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def check(settings: Settings, workers: int) -> None:
    """Before any process is started: whether workers can have theirs, and their supervisor its own.

    Raises ConfigError.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = None if hard == resource.RLIM_INFINITY else hard
    limit_for(files_needed(settings), most)
    needed = _FEW + _OF_A_CHILD * (workers + 2)
    if most is not None and most < needed:
        raise ConfigError(
            f"worker.processes = {workers} needs {needed} open files in their supervisor, and the "
            f"limit is {most}; raise it (ulimit -Hn, LimitNOFILE=) or lower the number"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def require_few() -> None:
    """What any command needs, and libzmq ends a process without. Raises ConfigError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FEW:
        raise ConfigError(
            f"the limit of open files is {hard}, and each command needs {_FEW}; raise it "
            "(ulimit -Hn, LimitNOFILE=)"
        )
    if soft != resource.RLIM_INFINITY and soft < _FEW:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FEW, hard))


def ran_out(error: Exception) -> bool:
    """Whether an error says that there may be no more open files."""
    return getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE)


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
