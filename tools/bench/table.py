"""What a benchmark prints: aligned tables, targets, and one line about the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = ("gevent", "requests", "pyzmq", "msgspec", "msgpack", "pycurl", "uvloop")


def number(value: float | str) -> str:
    """A cell: three digits that matter, and thousands apart."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[float | str]],
    *,
    left: bool = False,
) -> str:
    """The rows under their heads: first column to the left, the others to the right or `left`."""
    cells = [list(head), *([number(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if left or not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join(["", title, lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


@dataclass(frozen=True)
class Target:
    """A figure and the bound that it should keep."""

    what: str
    value: float
    bound: float
    unit: str
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        word = "at least" if self.at_least else "at most"
        verdict = "met" if self.met else "missed"
        return (
            f"{verdict:<6}  {self.what}: {number(self.value)} {self.unit} "
            f"(target: {word} {number(self.bound)})"
        )


def show_targets(targets: Sequence[Target]) -> None:
    """A line for each target."""
    print("\nTargets", *targets, sep="\n", flush=True)


def spread(values: Sequence[float]) -> tuple[float, str]:
    """The median, then `lowest-highest`."""
    return statistics.median(values), f"{number(min(values))} - {number(max(values))}"


def machine(*more: str) -> str:
    """Cores, system, Python and libraries, and `more` libraries, in one line."""
    versions = []
    for name in (*_LIBRARIES, *more):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{len(os.sched_getaffinity(0))} cores ({_cpu()}), {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {', '.join(versions)}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
