"""Lets supervisors fork the processes of their roles, by the servers of support.forking."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

from support import forking

_PREFLIGHT: Final = "fetcher.roles.preflight_main"
_MODULES: Final = ("fetcher.roles.main", "fetcher.roles.worker_main", _PREFLIGHT)
_VARIABLE: Final = "ROLE_FORKS"  # the servers' addresses, and what their processes begin with
_LIST: Final = "ROLE_FORKS_LIST"
_TESTS: Final = Path(__file__).resolve().parents[1]
# This folder in PYTHONPATH lets the supervisors of any program fork their roles.
STARTUP: Final = Path(__file__).parent / "startup"
# Modules of a supervisor whose `subprocess` is replaced by `subprocesses`.
SUPERVISION: Final = ("fetcher.engines.children", "fetcher.roles.preflight")
# Of a forked role: a supervisor may ask for nothing else.
_OPTIONS: Final = {
    "stdin": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "start_new_session": True,
}


def variables(environ: Mapping[str, str], listed: Path | None = None) -> dict[str, str]:
    """The variables that let supervisors in this environment have their roles forked.

    `listed`: a file, to which the process id and the spec of each forked role are added.
    """
    own = {_VARIABLE: json.dumps([_addresses(), forking.at_start(environ)])}
    return own | ({_LIST: str(listed)} if listed else {})


@functools.cache
def _addresses() -> dict[str, str]:
    environ = {**os.environ, "PYTHONPATH": f"{_TESTS.parent}:{_TESTS}"}
    return {module: forking.address_of(module, environ, "-P") for module in _MODULES}


def subprocesses() -> SimpleNamespace:
    """What a supervisor takes for the module `subprocess`, to have its roles forked."""
    names = ("DEVNULL", "PIPE", "TimeoutExpired")
    same = {name: getattr(subprocess, name) for name in names}
    return SimpleNamespace(Popen=_popen, run=_run, **same)


def _run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """What the forked preflight gives; a fresh interpreter's only where the variable is not set."""
    if _VARIABLE not in os.environ:
        return subprocess.run(command, **options)  # noqa: PLW1510 (as it was asked for)
    given, limit_s = options["input"], options["timeout"]
    return forking.call_at(_address_of(command[-1]), (), given, os.environ, Path(), limit_s)


def _popen(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes] | ForkedRole:
    """A forked role; a fresh interpreter only where the variable is not set."""
    if _VARIABLE not in os.environ:
        return subprocess.Popen(command, **options)
    if options != _OPTIONS:
        raise TypeError(f"a forked role is started with {_OPTIONS}, not with {options}")
    *_, module, argument = command
    role = ForkedRole(_address_of(module), argument)
    if _LIST in os.environ:
        with Path(os.environ[_LIST]).open("a", encoding="utf-8") as file:
            file.write(f"{role.pid} {argument}\n")
    return role


def _address_of(module: str) -> str:
    addresses, known = json.loads(os.environ[_VARIABLE])
    if unlike := forking.at_start(os.environ).items() ^ known.items():
        raise RuntimeError(f"a forked role would not have {unlike}: remove {_VARIABLE}")
    address: str = addresses[module]
    return address


class ForkedRole(forking.ForkedProcess):
    """A role's process, whose standard input and error are pipes."""

    def __init__(self, address: str, argument: str) -> None:
        child_in, parent_in = os.pipe()
        parent_error, child_error = os.pipe()
        super().__init__(address, [argument], os.environ, (child_in, 1, child_error), Path())
        os.close(child_in)
        os.close(child_error)
        self.stdin: IO[bytes] = open(parent_in, "wb", buffering=0)  # noqa: SIM115
        self.stderr: IO[bytes] = open(parent_error, "rb", buffering=0)  # noqa: SIM115
