"""The lines that a process writes to stderr: text for people, or one JSON object a line.

The form is chosen once per process, and every line of the process is made here, so that with
`log.format = json` nothing else is on stderr. Other output of a child (a traceback, the rest of a
line at its death) is wrapped by its supervisor.

A JSON line has `ts` (ISO 8601, UTC), `level`, `role`, `worker` where the role is one, `message`,
`exception` where there is one, and `exit_code` where the line says why the process ends.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal

import msgspec

from fetcher.errors import Exit, FetcherError
from fetcher.settings.schema import Log

log = logging.getLogger(__name__)

Form = Literal["text", "json"]
OURS: Final = "fetcher: "  # begins each line of text that is meant for the user


class _Speaker(msgspec.Struct):
    """How this process logs, and as whom."""

    form: Form = "text"
    role: str = "cli"
    worker: str = ""
    announces: bool = False  # a role of a cluster reports its progress


_speaker: Final = _Speaker()


def use(form: Form, role: str = "", worker: str = "") -> None:
    """Set the form of this process's lines and, where given, its role and worker."""
    _speaker.form = form
    if role:
        _speaker.role, _speaker.worker = role, worker


def is_json() -> bool:
    return _speaker.form == "json"


def start(settings: Log, role: str, name: str, *, announces: bool = False) -> None:
    """Start logging in a role's process; `name` tells it from others of its role.

    `announces`: whether `announce` says anything.
    """
    use(settings.format, role, name if role == "worker" else "")
    _speaker.announces = announces
    handler = logging.StreamHandler(sys.stderr)
    if is_json():
        handler.setFormatter(_JsonFormatter())
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
    else:
        text = f"%(asctime)s {name} %(levelname)s %(message)s"
        handler.setFormatter(logging.Formatter(text, datefmt="%H:%M:%S"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        more = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
        return _line(record.created, record.levelname.lower(), record.getMessage(), more)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def _line(
    at_s: float,
    level: str,
    message: str,
    more: dict[str, Any],
    role: str = "",
    worker: str = "",
) -> str:
    ts = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
    fields = {"ts": ts.replace("+00:00", "Z"), "level": level, "role": role or _speaker.role}
    if worker or (_speaker.worker and not role):
        fields["worker"] = worker or _speaker.worker
    # ASCII only, so that one line is one line to every reader, whatever is in a file's name.
    return json.dumps({**fields, "message": message, **more})


def own(message: str, level: str = "warning", **more: Any) -> str:
    """A line for the user; `more` is for programs and appears only in JSON."""
    return _line(time.time(), level, message, more) if is_json() else f"{OURS}{message}"


def say(line: str) -> None:
    """Put a finished line on stderr."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def announce(message: str, say: Callable[[str], None] = say) -> None:
    """Report the progress of a role of a cluster: it listens, others join, the job is done."""
    if _speaker.announces:
        say(own(message, "info"))


def complain(error: FetcherError) -> Exit:
    """Say the error in one line; returns the exit code to end with."""
    message = f"{error}; {error.advice}" if error.advice else str(error)
    say(own(message, "error", exit_code=int(error.exit_code)))
    return error.exit_code


# -- lines of children ----------------------------------------------------------------------


def relayed(line: str, role: str, worker: str) -> str:
    """A child's line as this process passes it on; in JSON, other text is wrapped in an object."""
    if not is_json() or _fields(line) is not None:
        return line
    return _line(time.time(), "error", line, {}, role, worker if role == "worker" else "")


def complaint(line: str) -> str | None:
    """The message of a line that says why a process ends; None for other lines."""
    if not is_json():
        return line if line.startswith(OURS) else None
    fields = _fields(line) or {}
    return str(fields.get("message")) if "exit_code" in fields else None


def _fields(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
