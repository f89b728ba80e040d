"""Counts a Python program's instructions by function, with `valgrind --tool=callgrind`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.bench.processes import Fleet, require_success

Costs = dict[tuple[str, str], float]  # instructions by library and function, callees aside

_NAMED: Final = re.compile(r"\((\d+)\)(?: (.*))?")
_DEPTH: Final = re.compile(r"'\d+$")  # callgrind tells the depths of a recursion apart
_ENDING: Final = re.compile(r"(?:-[0-9a-f]{8})?(?:\.cpython-[^.]*)?\.so.*$")
_FILE: Final = "BENCH_COUNTED"  # names a file for the number of URLs that were counted
_UNKNOWN: Final = "(not named)"


def is_there() -> bool:
    """Whether valgrind is installed."""
    return shutil.which("valgrind") is not None


class Window:
    """Switches the counting on and off in this process, if it runs under `count`.

    So neither the start nor the end of a program counts, only the time in which it is busy.
    """

    def __init__(self, urls: int) -> None:
        """`urls`: the length of the list."""
        self._file = os.environ.get(_FILE)
        self._begins_at, self._ends_at = (urls // 4, urls - urls // 8) if self._file else (-1, -1)
        self._began_with = 0

    def passed(self, urls: int) -> None:
        """So many URLs have begun, or ended."""
        if self._file is None:
            return
        if urls >= self._begins_at > 0:
            self._begins_at, self._began_with = -1, urls
            self._switch("on")
        elif urls >= self._ends_at > 0 > self._begins_at:
            self._ends_at = -1
            self._switch("off")
            Path(self._file).write_text(str(urls - self._began_with), "ascii")

    def _switch(self, state: str) -> None:
        command = ["callgrind_control", "-i", state, str(os.getpid())]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def per_url(fleet: Fleet, folder: Path, words: Iterable[object], limit_s: float) -> Costs:
    """The instructions of `python WORDS` for each URL. Raises MeasurementError if it fails."""
    out, counted = folder / "callgrind", folder / "counted"
    process = fleet.start(
        *("--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"),
        *(sys.executable, *words),
        program="valgrind",
        env={"PYTHONHASHSEED": "0", _FILE: str(counted)},
    )
    require_success(fleet.wait(process, limit_s), "valgrind")
    urls = int(counted.read_text("ascii"))
    with out.open(encoding="utf-8", errors="replace") as lines:
        return {key: instructions / urls for key, instructions in parse(lines).items()}


def parse(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """The costs in a file of callgrind's."""
    costs: Counter[tuple[str, str]] = Counter()
    names: dict[tuple[str, str], str] = {}  # by kind and number: later lines have the number only
    library = function = ""
    is_call = False  # the next line is what the call cost, with all that it called
    for line in lines:
        key, is_name, text = line.rstrip("\n").partition("=")
        if line[0].isdigit() or line[0] in "+-*":
            if not is_call:
                costs[library, function] += int(line.split()[1])
            is_call = False
        elif is_name and key in ("ob", "cob"):
            named = _name(names, "ob", text)
            library = library if key == "cob" else _ENDING.sub("", named.rpartition("/")[2])
        elif is_name and key in ("fn", "cfn"):
            named = _name(names, "fn", text)
            function = function if key == "cfn" else _function(named)
        elif key == "calls":
            is_call = True
    return costs


def _name(names: dict[tuple[str, str], str], kind: str, text: str) -> str:
    match = _NAMED.fullmatch(text)
    if match is None:
        return text
    if match[2] is not None:
        names[kind, match[1]] = match[2]
    return names[kind, match[1]]


def _function(name: str) -> str:
    return _UNKNOWN if name.startswith("0x") else _DEPTH.sub("", name)
