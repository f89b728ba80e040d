"""What the processes of all roles have in common: their spec, and how they learn to stop.

Signal handlers only set a flag; the role's loop acts on it.
"""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from fetcher.errors import Exit
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.settings.schema import Settings
from fetcher.stop_signals import STOP_SIGNALS, unblock

# Standard input is a pipe whose other end the parent process holds open. When it ends, the parent
# has died or lets the role go.
PARENT_FD: Final = 0

# The exit code of a child whose role has done its part. 0 would not prove it: a library or the
# user's code may end the process with 0 at any moment.
CHILD_DONE: Final = 10


class RoleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a role's process needs to know; its supervisor writes it to a file."""

    role: str  # "ventilator", "worker" or "sink"
    name: str
    settings: Settings
    # Settings that must not contradict how the job was begun: `section.key` -> where it was set.
    # Empty for `fetcher run`, which has compared them with OUT before it starts the roles.
    given: dict[str, str] = {}
    ventilator: str  # endpoint
    sinks: tuple[str, ...]  # endpoints; for a sink, its own
    session: str = ""
    urlfile: str = ""
    input_name: str = ""  # how people know the URL file; "": by its own name
    out: str = ""
    selection: Selection | None = None  # of the URL file's lines; kept in `out`
    refresh: Refresh | None = None  # of an earlier job
    parent: str = ""  # for a worker of a refresh: the folder of store.parent_files
    crawl: CrawlRules | None = None  # the URL file holds the seeds of a crawl; None: it is a list
    number: int = 1  # 1 for the first process of its role on this host, and so on
    insecure: bool = False  # may listen beyond loopback without keys
    keys: str = ""  # the role's folder of keys; "": no keys
    command: str = ""  # resumes the job, to be shown on its page; "": unknown
    is_paused: bool = False  # for a ventilator: whether the one before it was paused
    # For a ventilator whose workers an engine runs: how long they may take to leave at a stop.
    # 0: this host's supervisor stops them.
    drain_s: float = 0.0
    # For a worker: at the end of the job, it leaves after so long without a line. 0: it stays.
    idle_s: float = 0.0
    # For a sink: a folder with a worker's key, for processes of this host that watch the job.
    watch_keys: str = ""
    counts: str = ""  # for a worker: a directory where its file says how many rows it has sent
    own_folders: tuple[str, ...] = ()  # for a worker: where the user's modules may be
    over: str = ""  # for a worker: a complete job, whose `finish` it must ignore
    has_parent: bool = True  # whether PARENT_FD is such a pipe
    announces: bool = False  # whether it logs that it listens, who joins, and that the job is done
    file: str = ""  # where its supervisor wrote this; the role removes it when it is ready


def read_spec(path: str) -> RoleSpec:
    """Read a spec that a supervisor wrote."""
    return msgspec.json.decode(Path(path).read_bytes(), type=RoleSpec)


def child_code(code: Exit) -> int:
    """Return the exit code with which a child tells its supervisor that its role ended so."""
    return CHILD_DONE if code == Exit.DONE else code


def tell_ready(spec: RoleSpec) -> None:
    """Let the supervisor know that the role's imports are done and its work begins.

    This removes the spec's file, which is not needed any more and may hold a password.
    """
    if spec.file:
        Path(spec.file).unlink(missing_ok=True)


def once(function: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls this one at its first call, and does nothing afterwards."""
    left = [function]
    return lambda: left.pop()() if left else None


class StopFlag:
    """True after SIGTERM or SIGINT, or when the parent has ended."""

    def __init__(self, *, has_parent: bool, began: Callable[[], None]) -> None:
        """`began` is called when the role's loop looks at the flag for the first time."""
        self._is_set = False
        self._has_parent = has_parent
        self._began = once(began)

    def listen(self) -> None:
        """Handle the signals; call it in the main thread."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        unblock()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._is_set = True

    def __bool__(self) -> bool:
        self._began()
        if not self._is_set and self._has_parent:
            readable, _, _ = select.select([PARENT_FD], [], [], 0)
            self._is_set = bool(readable)
        return self._is_set
