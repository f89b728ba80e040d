"""Starts roles by fork servers, which have imported them: see support.role_forks_main.

To import what a role needs takes a fifth of a second of CPU time, a fork of it a hundredth. A
forked role begins with the streams, environment, folder and signals of a fresh interpreter, in a
session of its own. Limits: it keeps the umask and the resource limits of the server, which is also
its parent (getppid). Tests that need more, or that kill roles, start fresh interpreters, as users
do (jobs.running).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

_AT_START: Final = ("PYTHON", "LD_", "LANG", "LC_", "MALLOC_", "TZ")
_MODULES: Final = ("fetcher.roles.main", "fetcher.roles.worker_main")
_VARIABLE: Final = "ROLE_FORKS"  # begins the names of the servers' sockets
_ROOT: Final = Path(__file__).resolve().parents[2]
# This folder in PYTHONPATH lets the supervisors of any program fork their roles.
STARTUP: Final = Path(__file__).parent / "startup"
_ANSWER_BYTES: Final = 100
# Of a forked role: a supervisor may ask for nothing else.
_OPTIONS: Final = {
    "stdin": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "start_new_session": True,
}


def at_start(environ: Mapping[str, str]) -> dict[str, str]:
    """What takes effect when a process starts, and not when it is forked."""
    return {name: value for name, value in environ.items() if name.startswith(_AT_START)}


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variable that lets supervisors in this environment have their roles forked.

    The servers, one for each module, are started at the first call, and end with this process.
    """
    # A role is forked only where it would be started with this environment.
    return {_VARIABLE: json.dumps([_started(), at_start(environ)])}


@functools.cache
def _started() -> str:
    prefix = f"role-forks-{os.getpid()}"
    for module in _MODULES:
        _serve(module, f"\0{prefix}-{module}")
    return prefix


def _serve(module: str, address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(16)
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "support.role_forks_main", module],
            stdin=listener.fileno(),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'tests'}"},
            start_new_session=True,
        )
    atexit.register(_end, server)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()
    assert server.stdout is not None
    server.stdout.close()


def subprocesses() -> SimpleNamespace:
    """What a supervisor takes for the module `subprocess`, to have its roles forked."""
    return SimpleNamespace(Popen=_popen, PIPE=subprocess.PIPE)


def _popen(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes] | ForkedRole:
    *_, module, argument = command
    if module in _MODULES and _VARIABLE in os.environ:
        prefix, environ = json.loads(os.environ[_VARIABLE])
        if at_start(os.environ) == environ:
            if options != _OPTIONS:
                raise TypeError(f"a forked role is started with {_OPTIONS}, not with {options}")
            return ForkedRole(f"\0{prefix}-{module}", argument)
    return subprocess.Popen(command, **options)


class ForkedRole:
    """A role's process, as a subprocess.Popen whose standard input and error are pipes."""

    def __init__(self, address: str, argument: str) -> None:
        self.returncode: int | None = None
        child_in, parent_in = os.pipe()
        parent_error, child_error = os.pipe()
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(address)
        order = {
            "argument": argument,
            "environ": dict(os.environ),
            "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        }
        given = [child_in, 1, child_error, folder]
        socket.send_fds(self._server, [json.dumps(order).encode()], given)
        self.pid = int(self._server.recv(_ANSWER_BYTES))
        for fd in (child_in, child_error, folder):
            os.close(fd)
        self.stdin: IO[bytes] = open(parent_in, "wb", buffering=0)  # noqa: SIM115
        self.stderr: IO[bytes] = open(parent_error, "rb", buffering=0)  # noqa: SIM115

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self) -> int:
        code = self._look(None)
        assert code is not None
        return code

    def _look(self, within_ms: int | None) -> int | None:
        if self.returncode is None:
            poller = select.poll()
            poller.register(self._server, select.POLLIN)
            if poller.poll(within_ms):
                self.returncode = int(self._server.recv(_ANSWER_BYTES))
                self._server.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)
