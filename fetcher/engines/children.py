"""Child processes of a supervisor: start, output, restart with backoff, end.

A child is a fresh interpreter in its own session, so that a terminal's Ctrl-C reaches only the
supervisor. Its standard input is a pipe that the supervisor holds open; it leaves when that ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

import msgspec

from fetcher.roles import interpreter
from fetcher.roles.spec import RoleSpec
from fetcher.stop_signals import held_back

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_SETTLED_S: Final = 5.0  # a child that has lived so long starts again without a long pause
# Deaths by a signal before pauses grow. It takes some six to find a line that crashes its worker
# (see leases.poison), and the other lines of its leases wait for that.
_FREE_CRASHES: Final = 8
MAX_QUICK_DEATHS: Final = 20  # in a row, without any progress of the job: give up


class Deaths:
    """The ends of one child's processes; decides when the next one starts."""

    def __init__(self) -> None:
        self.in_a_row = 0  # quick ones, without progress of the job between them
        self._rows = -1

    def pause_s(self, code: int, lived_s: float, rows: int) -> float:
        """Return the seconds until the next start, after an exit with `code` (negative: a signal).

        `rows`: how many rows the job has so far.
        """
        if lived_s > _SETTLED_S:
            self.in_a_row = 0
        elif rows != self._rows:
            self.in_a_row = 1
        else:
            self.in_a_row += 1
        self._rows = rows
        doublings = self.in_a_row - 1 - (_FREE_CRASHES if code < 0 else 0)
        return min(_FIRST_PAUSE_S * 2.0 ** max(doublings, 0), _LONGEST_PAUSE_S)

    @property
    def is_hopeless(self) -> bool:
        """Whether it died so often that another start would end the same way."""
        return self.in_a_row >= MAX_QUICK_DEATHS


class Child:
    """One supervised role; its process is replaced when it dies."""

    def __init__(self, spec: RoleSpec, module: str, directory: Path) -> None:
        self.spec = spec
        self._module = module
        self._file = directory / f"{spec.name}.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._partial = b""
        self._started_at = 0.0
        self._pidfd: int | None = None
        self._starts = 0
        self.name = spec.name
        self.deaths = Deaths()
        self.start_at = 0.0  # when it may be started (again)
        self.over = ""  # see RoleSpec
        self.finished = False  # it has done its part, and is not to be started again

    def start(self, now: float) -> None:
        """Start a process, under a name that no earlier one had."""
        self._starts += 1
        self.name = self.spec.name if self._starts == 1 else f"{self.spec.name}.{self._starts}"
        spec = msgspec.structs.replace(
            self.spec, name=self.name, over=self.over, file=str(self._file)
        )
        self._file.write_bytes(msgspec.json.encode(spec))
        # While the child imports, it handles no signal; its role unblocks this one later.
        with held_back(signal.SIGINT):
            self._process = subprocess.Popen(
                interpreter.command(self._module, str(self._file)),
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._stderr = self._process.stderr
        assert self._stderr is not None
        os.set_blocking(self._stderr.fileno(), False)
        self._started_at = now
        # On an old kernel the end of stderr shows the exit, if a bit later.
        with contextlib.suppress(OSError):
            self._pidfd = os.pidfd_open(self._process.pid)

    @property
    def is_ready(self) -> bool:
        """Whether its last process has begun its role's work, even if it has ended since."""
        return self._starts > 0 and not self._file.exists()

    @property
    def started(self) -> bool:
        """Whether there is a process that lives, or whose end `ended` has not reported yet."""
        return self._process is not None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def stderr_fd(self) -> int | None:
        """A descriptor to poll; None once stderr is closed."""
        return self._stderr.fileno() if self._stderr else None

    @property
    def pidfd(self) -> int | None:
        """A descriptor that is readable once the process has ended; None without a process."""
        return self._pidfd if self.alive else None

    def read_lines(self) -> list[str]:
        """Return the whole lines written to stderr since the last call; at its end, the rest."""
        if self._stderr is None:
            return []
        try:
            data = os.read(self._stderr.fileno(), 1 << 16)
        except BlockingIOError:
            return []
        *lines, self._partial = (self._partial + data).split(b"\n")
        if not data:
            self._stderr.close()
            self._stderr = None
            lines += [self._partial] if self._partial else []
            self._partial = b""
        return [line.decode("utf-8", "replace") for line in lines]

    def ended(self, now: float, rows: int) -> int | None:
        """Return its exit code (negative: a signal) once it has ended; None before.

        Each end is reported once; the child may be started again at `start_at`. `rows`: see Deaths.
        """
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        self.start_at = now + self.deaths.pause_s(code, now - self._started_at, rows)
        self._forget()
        return code

    def _forget(self) -> None:
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it lives."""
        if self.alive:
            assert self._process is not None
            self._process.send_signal(number)

    def reap(self, say: Callable[[str], None]) -> None:
        """Wait for the end of the process, and pass its last lines on."""
        if self._process is None:
            return
        self._process.wait()
        for line in self.read_lines():
            say(line)
        self._forget()
