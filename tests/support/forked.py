"""Programs of tests that are imported once and forked for each call.

A process that patches and imports what fetches takes a third of a second of CPU time, a fork of it
a hundredth of one. `python -m support.forked MODULE` reads an order a line: JSON with the
environment, the arguments, and the paths of standard input, output and error. It calls
MODULE.main() in a fork, and writes a line with the exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from types import ModuleType
from typing import Any, NoReturn

_STREAMS = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)


def main() -> None:
    """See the module docstring."""
    fork, wait = os.fork, os.waitpid  # those that gevent does not patch
    module = importlib.import_module(sys.argv[1])
    for line in sys.stdin:
        child = fork()
        if not child:
            _be(module, json.loads(line))
        _, status = wait(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _be(module: ModuleType, order: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        if "gevent" in sys.modules:
            importlib.import_module("gevent").reinit()
        importlib.import_module("random").seed()
        os.environ.clear()
        os.environ.update(order["environ"])
        for number, (path, flags) in enumerate(zip(order["streams"], _STREAMS, strict=True)):
            os.dup2(os.open(path, flags), number)
        sys.argv[1:] = order["arguments"]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        module.main()
        sys.stdout.flush()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
