"""The engine's side of the process that speaks with Ray: starts it, asks it, ends it."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from fetcher.engines.interface import EngineError
from fetcher.engines.private import private_directory
from fetcher.engines.ray.messages import Answer, Order, Request, encode
from fetcher.roles import interpreter

_MODULE: Final = "fetcher.engines.ray.process"
# Ray itself ends a driver that has not heard its cluster for a minute.
_ANSWER_S: Final = 90.0
_END_S: Final = 4.0
_BLOCK: Final = 65_536
_MOST_SAID: Final = 300  # characters of a line that is shown
# A socket's path may have 107 bytes, and Ray adds up to 65 to this directory.
_MOST_BASE: Final = 24


class Session:
    """One such process. If it has ended, `ask` raises EngineError."""

    def __init__(self, order: Order) -> None:
        """Start it. Raises EngineError if it cannot use Ray."""
        self._stack = contextlib.ExitStack()
        directory = self._stack.enter_context(private_directory(_MOST_BASE))
        order = msgspec.structs.replace(order, directory=str(directory / "ray"))
        self._log = directory / "log"
        self._process = self._stack.enter_context(_process(self._log, _environ(order)))
        self._buffer = b""
        try:
            self._exchange(order)
        except EngineError:
            self.close()
            raise

    def ask(self, request: Request, timeout_s: float = _ANSWER_S) -> Answer:
        """Ask it, and return its answer. Raises EngineError if it or its Ray has ended."""
        return self._exchange(request, timeout_s)

    def close(self) -> None:
        """End it, and what it has started; it may take a few seconds."""
        self._stack.close()

    def _exchange(self, message: msgspec.Struct, timeout_s: float = _ANSWER_S) -> Answer:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, and there is no answer
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()
        answer = msgspec.json.decode(self._line(timeout_s), type=Answer)
        if answer.error:
            raise EngineError(answer.error)
        return answer

    def _line(self, timeout_s: float) -> bytes:
        assert self._process.stdout is not None
        descriptor, until = self._process.stdout.fileno(), time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise EngineError(f"Ray has not answered for {timeout_s:g} s")
            block = os.read(descriptor, _BLOCK)
            if not block:
                raise EngineError(f"the process that speaks with Ray has ended{self._last_line()}")
            self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _last_line(self) -> str:
        """Return what it wrote last, such as an error while it was loaded."""
        lines = self._log.read_text("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return said and f"; it wrote last: {said[:_MOST_SAID]}"


def _environ(order: Order) -> Mapping[str, str]:
    """Return the environment of the process, which a Ray that it starts inherits."""
    environ = {"RAY_USAGE_STATS_ENABLED": "0", **os.environ}
    if order.address:
        return environ
    return {
        **environ,
        # It listens on all addresses, and would run the code of anybody who connects.
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # It would kill slots when other programs need the host's memory.
        "RAY_memory_monitor_refresh_ms": "0",
    }


@contextlib.contextmanager
def _process(log: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            interpreter.command(_MODULE, str(os.getpid())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env=environ,
            # Ray would put this directory at the head of its workers' search path.
            cwd="/",
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input, wait, and kill what is left of it and of a Ray that it has started."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
