"""`python -m support.forked_main MODULE`: a fork server, whose processes call MODULE.main.

Descriptor 0 is a listening socket. A connection brings one order: JSON with the arguments, the
environment and the blocked signals, and with it four descriptors: standard input, output and error,
and the current folder. The answer is the process id and, when the process has ended, its exit code.
"""

import gc

gc.disable()  # until the modules are imported, see fetcher.roles.lifetime

import atexit
import contextlib
import importlib
import json
import os
import select
import socket
import sys
from signal import SIG_SETMASK, pthread_sigmask
from types import ModuleType
from typing import Any, NoReturn

_ORDER_BYTES = 1 << 20
_DESCRIPTORS = 4
_TESTS = 1  # a pipe, which breaks when the tests end
# Roles import these when they know their settings.
_PRELOAD = {
    "fetcher.roles.main": ("fetcher.roles.sink.role", "fetcher.roles.ventilator.role"),
    "fetcher.roles.worker_main": ("fetcher.fetch.http.client",),
    "fetcher.roles.preflight_main": ("fetcher.fetch.http.client",),
}
# Those that gevent does not patch.
_fork, _wait, _poll, _Socket = os.fork, os.waitpid, select.poll, socket.socket


class _Forks:
    """The processes that were forked, and who waits for their ends."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._listener: Any = _Socket(fileno=os.dup(0))
        self._living: dict[int, tuple[int, Any]] = {}  # by a descriptor of the process
        self._poll = _poll()
        self._poll.register(self._listener, select.POLLIN)
        self._poll.register(_TESTS, 0)

    def run(self) -> None:
        """Return when the tests have ended."""
        while True:
            for fd, _ in self._poll.poll():
                if fd == _TESTS:
                    return
                if fd in self._living:
                    self._tell_end(fd)
                else:
                    # Its `accept` would return a socket that gevent has patched.
                    self._begin(_Socket(fileno=self._listener._accept()[0]))

    def _begin(self, client: Any) -> None:
        order, descriptors, _, _ = socket.recv_fds(client, _ORDER_BYTES, _DESCRIPTORS)
        child = _fork()
        if not child:
            self._close()
            client.close()
            _become(self._module, json.loads(order), descriptors)
        for fd in descriptors:
            os.close(fd)
        process = os.pidfd_open(child)
        self._living[process] = child, client
        self._poll.register(process, select.POLLIN)
        client.send(str(child).encode())

    def _tell_end(self, process: int) -> None:
        child, client = self._living.pop(process)
        self._poll.unregister(process)
        os.close(process)
        code = os.waitstatus_to_exitcode(_wait(child, 0)[1])
        with client, contextlib.suppress(BrokenPipeError):  # who waited may have ended before
            client.send(str(code).encode())

    def _close(self) -> None:
        self._listener.close()
        for process, (_, client) in self._living.items():
            os.close(process)
            client.close()


def _become(module: ModuleType, order: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Call `main` as if this process had just been started; see the limits in support.forking."""
    code = 1
    try:
        os.setsid()
        os.fchdir(descriptors[-1])
        for number, fd in enumerate(descriptors):
            if number < len(descriptors) - 1:
                os.dup2(fd, number)
            os.close(fd)
        if "gevent" in sys.modules:
            importlib.import_module("gevent").reinit()
        importlib.import_module("random").seed()
        os.environ.clear()
        os.environ.update(order["environ"])
        pthread_sigmask(SIG_SETMASK, order["blocked"])
        sys.argv[1:] = order["arguments"]
        module.main()
        sys.stdout.flush()
        code = 0
    except SystemExit as end:
        atexit._run_exitfuncs()
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """See the module docstring."""
    module = importlib.import_module(sys.argv[1])
    for name in _PRELOAD.get(sys.argv[1], ()):
        importlib.import_module(name)
    gc.freeze()
    _Forks(module).run()


if __name__ == "__main__":
    main()
