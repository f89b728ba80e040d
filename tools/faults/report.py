"""docs/faults.md: what was done to the cluster, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.bench.table import machine

_HEAD = """\
# A cluster under faults

Written by `make faults` (`python -m tools.faults --table docs/faults.md`), which runs every fault
against real roles: ventilator, sink, workers and a web site, each at an address of its own.

After each fault: every line has exactly one row (by `fetcher verify` and by a count of the files),
the job has ended by itself, and no more than the stated lines were fetched a second time.
*Refetched* counts requests at the site beyond the first for each line. *Peak memory* is the largest
resident set of any process of a role: ventilator / sink / worker.
"""

_RESET = """\
Chunks of rows that are on their way are lost with their connection, and their lines are fetched
again: that is what `reset-mid-message` costs.
"""
_COLUMNS = (
    "| fault | | result | job, s | refetched | peak memory | seen |",
    "|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Outcome:
    """A fault's row."""

    name: str
    what: str
    error: str = ""  # empty: as promised
    said: str = ""
    seconds: float = 0.0
    lines: int = 0
    refetched: int = 0
    peak_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return "FAILED" if self.error else "one row a line"

    @property
    def memory(self) -> str:
        """MB by role; `-` where it was not measured."""
        roles = ("ventilator", "sink", "worker")
        if not self.peak_bytes:
            return "-"
        return " / ".join(f"{self.peak_bytes.get(role, 0) / 1e6:.0f}" for role in roles) + " MB"

    @property
    def again(self) -> str:
        return f"{self.refetched:,} of {self.lines:,}" if self.lines else "-"

    def line(self) -> str:
        """For the terminal."""
        return (
            f"{self.name:<28} {self.verdict:<15} {self.seconds:6.1f} s  refetched {self.again:<16} "
            f"{self.memory:<20} {self.said}"
        ).rstrip()


def markdown(outcomes: Sequence[Outcome], mechanism: str, before: str = "") -> str:
    """The whole document; of an earlier one on the same network, what was not done again is kept.

    Rows come in the order in which they were first written.
    """
    network = f"Network: {mechanism}." if mechanism else _network(before)
    rows = _rows(before) if network in before else {}
    for each in outcomes:
        said = (each.error.splitlines()[0] if each.error else each.said).replace("|", "\\|")
        rows[each.name] = (
            f"| `{each.name}` | {each.what} | {each.verdict} | {each.seconds:.0f} | {each.again} "
            f"| {each.memory} | {said} |"
        )
    return "\n".join(
        [_HEAD, *_COLUMNS, *rows.values(), "", network, "", f"Machine: {machine()}.", "", _RESET]
    )


def _network(document: str) -> str:
    """The line about it; the sweeps need none, and leave it as it was."""
    said = [line for line in document.splitlines() if line.startswith("Network: ")]
    return said[0] if said else "Network: none was needed."


def _rows(document: str) -> dict[str, str]:
    return {line.split("`")[1]: line for line in document.splitlines() if line.startswith("| `")}
