"""What benchmarks keep: medians with their spread, as JSON files in tools/bench/results.

A file holds the tables of one benchmark. A table says on which machine and day, and by which
command, it was measured; a run that measures some tables again leaves the others as they are.
"""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from fetcher.errors import UsageError
from tools.bench import binaries
from tools.bench.processes import ROOT
from tools.bench.table import machine

RESULTS: Final = ROOT / "tools" / "bench" / "results"
_PEERS: Final = ("aiohttp", "scrapy")  # libraries whose versions matter for comparisons
_DIGITS: Final = 4  # that are kept: more would be noise, and changes without a meaning


class Sample(msgspec.Struct, frozen=True):
    """The figures of all runs, in short; of one run, all three are the same."""

    median: float
    lowest: float
    highest: float
    runs: int = 1

    @property
    def is_single(self) -> bool:
        return self.runs == 1


# By a row's name and then a figure's name, which ends with its unit.
Rows = dict[str, dict[str, Sample]]


class Table(msgspec.Struct, frozen=True, omit_defaults=True):
    """Figures that were measured together, and so may be compared."""

    measured_on: str  # a day
    machine: str
    origin: str  # the command, or how they were measured without one
    rows: Rows
    note: str = ""


class Results(msgspec.Struct, frozen=True):
    """A file: all tables of one benchmark."""

    benchmark: str
    tables: dict[str, Table]


def sample(values: Iterable[float]) -> Sample:
    """The median and both ends. ValueError where there are no values."""
    given = list(values)
    if not given:
        raise ValueError("a sample needs a value")
    kept = (_kept(statistics.median(given)), _kept(min(given)), _kept(max(given)))
    return Sample(*kept, runs=len(given))


def _kept(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def load(benchmark: str, folder: Path = RESULTS) -> Results:
    """The stored results of a benchmark; without tables if it has no file yet.

    Raises UsageError for a file of another kind.
    """
    path = folder / f"{benchmark}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Results)
    except FileNotFoundError:
        return Results(benchmark, {})
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; make it a readable file") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: not the figures of a benchmark ({error}); restore it by git, or remove it "
            "and measure again"
        ) from None


def require_room(benchmark: str, folder: Path = RESULTS) -> None:
    """Raise UsageError where `save` could not keep figures, before they are measured."""
    load(benchmark, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name a folder that can be made") from None
    path = folder / f"{benchmark}.json"
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"{path}: may not be written; make it writable")


def load_all(folder: Path = RESULTS) -> dict[str, Results]:
    """Everything that is kept, by the benchmark's name. Raises UsageError."""
    return {path.stem: load(path.stem, folder) for path in sorted(folder.glob("*.json"))}


def where() -> str:
    """The machine, and the versions of libraries and of other programs."""
    return f"{machine(*_PEERS)}, {binaries.versions()}".rstrip(", ")


def merged(
    kept: Results,
    tables: Mapping[str, Rows],
    *,
    origin: str,
    place: str,
    day: str,
    note: str = "",
) -> Results:
    """`kept` with these tables in place of older ones of their names."""
    new = {name: Table(day, place, origin, rows, note) for name, rows in tables.items()}
    return Results(kept.benchmark, kept.tables | new)


def save(
    benchmark: str,
    tables: Mapping[str, Rows],
    origin: str,
    folder: Path = RESULTS,
    *,
    note: str = "",
) -> Path:
    """Keep tables that were measured today on this machine; the file's path."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    kept = load(benchmark, folder)
    results = merged(kept, tables, origin=origin, place=where(), day=today, note=note)
    path = folder / f"{benchmark}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path
