"""Starts processes by fork servers, which have imported what the processes need.

To import what a role needs takes a fifth of a second of CPU time, a fork of it a hundredth. A
forked process begins with the streams, environment, folder and signals of a fresh interpreter, in a
session of its own. Limits: it keeps the umask, the resource limits and the command line of the
server (support.forked_main), which is also its parent (getppid). Tests that need more start fresh
interpreters, as users do (jobs.running).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_AT_START: Final = ("PYTHON", "LD_", "LANG", "LC_", "MALLOC_", "TZ")
_ANSWER_BYTES: Final = 100
_LIMIT_S: Final = 120.0


def at_start(environ: Mapping[str, str]) -> dict[str, str]:
    """What takes effect when a process starts, and not when it is forked."""
    return {name: value for name, value in environ.items() if name.startswith(_AT_START)}


def address_of(module: str, environ: Mapping[str, str], *options: str) -> str:
    """The address of the fork server of a module; it ends with this process.

    It is started at the first call, with these options of Python. `environ`: of its processes.
    """
    return _served(module, tuple(sorted(at_start(environ).items())), options)


@functools.cache
def _served(module: str, start: tuple[tuple[str, str], ...], options: tuple[str, ...]) -> str:
    address = f"\0forks-{os.getpid()}-{_served.cache_info().misses}-{module}"
    others = {name: text for name, text in os.environ.items() if not name.startswith(_AT_START)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(16)
        server = subprocess.Popen(
            [sys.executable, *options, "-m", "support.forked_main", module],
            stdin=listener.fileno(),
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            env={**others, **dict(start)},
            start_new_session=True,
        )
    atexit.register(_end, server)
    return address


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()
    assert server.stdout is not None
    server.stdout.close()


class ForkedProcess:
    """A process of the server at this address, as a subprocess.Popen.

    `streams`: descriptors of its standard input, output and error.
    """

    def __init__(
        self,
        address: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        streams: tuple[int, int, int],
        folder: Path,
    ) -> None:
        self.returncode: int | None = None
        self._arguments = list(arguments)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(address)
        order = {
            "arguments": self._arguments,
            "environ": dict(environ),
            "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        }
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        socket.send_fds(self._server, [json.dumps(order).encode()], [*streams, place])
        os.close(place)
        self.pid = int(self._server.recv(_ANSWER_BYTES))

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. `timeout`: in seconds. Raises subprocess.TimeoutExpired."""
        code = self._look(None if timeout is None else timeout * 1000)
        if code is None:
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0)
        return code

    def _look(self, within_ms: float | None) -> int | None:
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

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class ForkedProgram(ForkedProcess):
    """A process whose standard output and error are pipes, and whose input is empty."""

    def __init__(
        self, module: str, arguments: Sequence[str], environ: Mapping[str, str], folder: Path
    ) -> None:
        pipes = [os.pipe() for _ in range(2)]
        with Path(os.devnull).open("rb") as nothing:
            streams = nothing.fileno(), pipes[0][1], pipes[1][1]
            super().__init__(address_of(module, environ), arguments, environ, streams, folder)
        for _, end in pipes:
            os.close(end)
        self.stdout: IO[bytes] = open(pipes[0][0], "rb")  # noqa: SIM115
        self.stderr: IO[bytes] = open(pipes[1][0], "rb")  # noqa: SIM115

    def communicate(self, timeout: float) -> tuple[bytes, bytes]:
        """What it writes until its end. `timeout`: in seconds. Raises subprocess.TimeoutExpired."""
        until = time.monotonic() + timeout
        written = {pipe.fileno(): b"" for pipe in (self.stdout, self.stderr)}
        with selectors.DefaultSelector() as selector:
            for fd in written:
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(until - time.monotonic(), 0))
                if not ready:
                    raise subprocess.TimeoutExpired(self._arguments, timeout)
                for key, _ in ready:
                    data = os.read(key.fd, 1 << 16)
                    written[key.fd] += data
                    if not data:
                        selector.unregister(key.fd)
        self.wait(timeout)
        return written[self.stdout.fileno()], written[self.stderr.fileno()]


def call(
    module: str, *arguments: str, stdin: bytes, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[bytes]:
    """What `python -m MODULE` gives in this folder, of a module that does all in its `main`."""
    return call_at(address_of(module, environ), arguments, stdin, environ, folder)


def call_at(
    address: str,
    arguments: Sequence[str],
    stdin: bytes,
    environ: Mapping[str, str],
    folder: Path,
    limit_s: float = _LIMIT_S,
) -> subprocess.CompletedProcess[bytes]:
    """What a process of the server at this address gives."""
    with contextlib.ExitStack() as stack:
        given, out, error = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        streams = given.fileno(), out.fileno(), error.fileno()
        process = ForkedProcess(address, arguments, environ, streams, folder)
        stack.callback(process.wait)
        stack.callback(process.kill)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired as late:
            late.stderr = _all_of(error)
            raise
        return subprocess.CompletedProcess(arguments, code, _all_of(out), _all_of(error))


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
