"""What every role's process has in common: its spec, its stop flag, its leash.

Law: signal handlers only set a flag; the role's loop acts on it.
"""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from fetcher.input.selection import Selection
from fetcher.settings.schema import Settings
from fetcher.stop_signals import STOP_SIGNALS, unblock

LEASH_FD: Final = 0


class RoleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that a role's process needs to know; written by its supervisor, read at its start."""

    role: str
    name: str
    settings: Settings
    # Settings that must not contradict how the job was begun, by `section.key` -> where each came
    # from. Of `fetcher run`, none: it has compared them with OUT before it starts the roles.
    given: dict[str, str] = {}
    ventilator: str  # endpoint
    sinks: tuple[str, ...]  # endpoints; of a sink, its own
    session: str = ""
    urlfile: str = ""
    input_name: str = ""  # what people know the URL file by; "": its own name
    out: str = ""
    selection: Selection | None = None  # of the URL file's lines; kept in `out`
    number: int = 1  # it is the n-th of its role on this host
    insecure: bool = False
    keys: str = ""  # the role's folder of keys; "": none, and nobody is asked who they are
    command: str = ""  # that resumes the job, to be shown on its page; "": it is not known
    is_paused: bool = False  # of a ventilator: as the one before it was
    own_folders: tuple[str, ...] = ()  # of a worker: where modules that settings name may be
    over: str = ""  # a job that is complete: to be told so again is not for this worker
    # Standard input is a pipe whose other end the supervisor holds: at its end, leave.
    leashed: bool = True
    announces: bool = False  # it says that it listens, who joins, and that the job is done
    file: str = ""  # where its supervisor wrote it; that the file is gone means: it is ready


def read_spec(path: str) -> RoleSpec:
    """The spec that a supervisor wrote."""
    return msgspec.json.decode(Path(path).read_bytes(), type=RoleSpec)


def tell_ready(spec: RoleSpec) -> None:
    """Let the supervisor know that all is imported and the role's work begins.

    The spec's file is removed: it is of no more use, and may hold a password.
    """
    if spec.file:
        Path(spec.file).unlink(missing_ok=True)


def once(function: Callable[[], None]) -> Callable[[], None]:
    """A function that calls this one the first time, and then does nothing."""
    left = [function]
    return lambda: left.pop()() if left else None


class StopFlag:
    """Set by SIGTERM and SIGINT; set, too, when the leash is cut."""

    def __init__(self, *, leashed: bool, began: Callable[[], None]) -> None:
        """`began` is called when the role's loop looks at the flag for the first time."""
        self._set = False
        self._leashed = leashed
        self._began = once(began)

    def listen(self) -> None:
        """Take the signals. To be called in the main thread."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        unblock()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._set = True

    def __bool__(self) -> bool:
        self._began()
        if not self._set and self._leashed:
            readable, _, _ = select.select([LEASH_FD], [], [], 0)
            self._set = bool(readable)
        return self._set
