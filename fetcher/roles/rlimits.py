"""The limit of open files: how many a role needs, and raising the limit to it."""

from __future__ import annotations

import errno
import resource
from typing import Final

from fetcher.errors import ConfigError
from fetcher.settings.schema import Settings

_FEW: Final = 64  # what any command may open; more than any was seen to open
_OF_A_CHILD: Final = 4  # its stdin and stderr pipes, and two more while it is started
_OF_A_PEER: Final = 3  # connections of a worker to the ventilator
_OTHER_FILES: Final = 100  # sockets between the roles, libraries' files, name look-ups
_HOW_TO_RAISE: Final = "raise it (ulimit -Hn, LimitNOFILE=)"


def allow(settings: Settings) -> None:
    """Raise the soft limit to the hard one. Raises ConfigError if that is too low for a worker."""
    _, hard = _limits()
    limit_for(files_needed(settings), hard)
    raise_limit()


def check(settings: Settings, workers: int) -> None:
    """Raise ConfigError if the limit is too low for the workers or for their supervisor.

    To be called before any process is started.
    """
    _, hard = _limits()
    limit_for(files_needed(settings), hard)
    needed = _FEW + _OF_A_CHILD * (workers + 2)
    if hard is not None and hard < needed:
        raise ConfigError(
            f"worker.processes = {workers} needs {needed} open files in their supervisor, and the "
            f"limit is {hard}; {_HOW_TO_RAISE} or lower the number"
        )
    _raise_to(needed)


def check_peers(workers: int) -> None:
    """Raise ConfigError if the limit is too low for a ventilator or sink with these workers."""
    _, hard = _limits()
    needed = _OTHER_FILES + _OF_A_PEER * workers
    if hard is not None and hard < needed:
        raise ConfigError(
            f"{workers} workers need {needed} open files in the ventilator, and the "
            f"limit is {hard}; {_HOW_TO_RAISE} or lower the number"
        )


def require_few() -> None:
    """Allow the few files that any command needs, as libzmq aborts without them.

    Raises ConfigError.
    """
    _, hard = _limits()
    if hard is not None and hard < _FEW:
        raise ConfigError(
            f"the limit of open files is {hard}, and each command needs {_FEW}; {_HOW_TO_RAISE}"
        )
    _raise_to(_FEW)


def raise_limit() -> None:
    """Raise the soft limit to the hard one, so that strangers' connections do not use it up."""
    _, hard = _limits()
    if hard is not None:
        _raise_to(hard)


def _limits() -> tuple[int | None, int | None]:
    """Return the soft and the hard limit; None: unlimited."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        None if soft == resource.RLIM_INFINITY else soft,
        None if hard == resource.RLIM_INFINITY else hard,
    )


def _raise_to(needed: int) -> None:
    soft, hard = _limits()
    if soft is not None and soft < needed:
        most = resource.RLIM_INFINITY if hard is None else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def ran_out(error: Exception) -> bool:
    """Return whether an error says that the limit of open files is reached."""
    return getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE)


def files_needed(settings: Settings) -> int:
    """Return how many open files a worker needs.

    http.max_connections counts idle connections and those in use.
    """
    connections = max(settings.worker.pool_size, settings.http.max_connections)
    return connections + _OTHER_FILES


def limit_for(needed: int, hard: int | None) -> int | None:
    """Return the hard limit (None: unlimited). Raises ConfigError if it is below `needed`."""
    if hard is not None and hard < needed:
        raise ConfigError(
            f"worker.pool_size and http.max_connections need {needed} open files in a process, and "
            f"the limit is {hard}; {_HOW_TO_RAISE} or lower them"
        )
    return hard
