"""`python -m tools.bench.accounted FILE WORDS…`: runs fetcher, and notes what its children take.

FILE gets a JSON object: the CPU seconds of the child processes, by role. The children are started
as they always are; only the process that waits for them is changed.
"""

import os

_CPU_S: dict[int, float] = {}  # of ended children, by process id


def _waitpid(pid: int, options: int) -> tuple[int, int]:
    """Do as os.waitpid does, and note what the process took."""
    ended, status, usage = os.wait4(pid, options)
    if ended:
        _CPU_S[ended] = usage.ru_utime + usage.ru_stime
    return ended, status


os.waitpid = _waitpid  # before subprocess keeps a reference to it

import atexit
import functools
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

_ROLES: dict[int, str] = {}  # by process id


class _Popen(subprocess.Popen[Any]):
    def __init__(self, args: list[str], **options: Any) -> None:
        super().__init__(args, **options)
        last = args[-1]
        # The name of a role's spec is that of its process; other processes have their module's.
        name = Path(last).stem if last.endswith(".json") else last.rpartition(".")[2]
        _ROLES[self.pid] = name.rstrip("0123456789")


def _write(file: Path) -> None:
    took_s: dict[str, float] = {}
    for pid, cpu_s in _CPU_S.items():
        role = _ROLES.get(pid, "other")
        took_s[role] = took_s.get(role, 0.0) + cpu_s
    file.write_text(json.dumps(took_s), "ascii")


def _leave(file: Path, leave: Callable[[int], NoReturn], code: int) -> NoReturn:
    _write(file)
    leave(code)


def main() -> None:
    file = Path(sys.argv.pop(1))
    atexit.register(_write, file)
    os._exit = functools.partial(_leave, file, os._exit)
    subprocess.Popen = _Popen  # type: ignore[assignment, misc]
    runpy.run_module("fetcher", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
