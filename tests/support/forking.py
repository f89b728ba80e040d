"""Calls of programs that are forked, see support.forked: one server for each of them."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIMIT_S = 120.0
_AT_START = ("PYTHON", "LD_", "LANG", "LC_", "MALLOC_", "TZ")


class _Server:
    """A program that is ready to be forked; it ends with this process."""

    def __init__(self, module: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.forked", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environ,
            start_new_session=True,
        )
        atexit.register(self._close)

    def call(
        self, arguments: Sequence[str], stdin: bytes, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        with tempfile.TemporaryDirectory(prefix="forked-") as folder:
            paths = [Path(folder, name) for name in ("in", "out", "error")]
            paths[0].write_bytes(stdin)
            order = {
                "arguments": list(arguments),
                "environ": dict(environ),
                "streams": [str(path) for path in paths],
            }
            try:
                code = self._ask(json.dumps(order).encode() + b"\n")
            except TimeoutError as error:
                said = paths[2].read_bytes()
                raise subprocess.TimeoutExpired(arguments, _LIMIT_S, stderr=said) from error
            return subprocess.CompletedProcess(
                arguments, code, paths[1].read_bytes(), paths[2].read_bytes()
            )

    def _ask(self, order: bytes) -> int:
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None and pipes[1] is not None
        pipes[0].write(order)
        pipes[0].flush()
        with selectors.DefaultSelector() as selector:
            selector.register(pipes[1], selectors.EVENT_READ)
            if not selector.select(_LIMIT_S):
                os.killpg(self._process.pid, signal.SIGKILL)
                _servers.clear()
                raise TimeoutError
        return int(pipes[1].readline())

    def _close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # with a fork that a Ctrl-C has left
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()


_servers: dict[tuple[str, Path, frozenset[tuple[str, str]]], _Server] = {}


def at_start(environ: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """What takes effect when a process starts, and not when it is forked."""
    return frozenset(item for item in environ.items() if item[0].startswith(_AT_START))


def call(
    module: str, *arguments: str, stdin: bytes, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[bytes]:
    """What `python -m MODULE` gives in this folder, of a module that does all in its `main`."""
    key = (module, folder, at_start(environ))
    if key not in _servers:
        _servers[key] = _Server(module, folder, environ)
    return _servers[key].call(arguments, stdin, environ)
