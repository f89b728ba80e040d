"""`python -m tools.fuzz`: malformed messages for the decoder and for what acts on messages.

Every input is dropped by a WireError or taken by all that acts on it. What raises anything else is
a finding: it is shown, and kept with --keep. Exit code 1 where there was one.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.errors import WireError
from fetcher.protocol import codec
from tools.fuzz.bombs import bombs
from tools.fuzz.mutate import Frames, Mutator
from tools.fuzz.targets import Roles

_SLOW_S: Final = 0.002  # an input that took longer is measured again
_MB: Final = 1e6
_MOST_SHOWN: Final = 50


def kept(path: Path) -> Iterator[tuple[str, Frames]]:
    """Findings of earlier runs: a name, and the frames in hexadecimal (`-`: an empty one)."""
    for line in path.read_text("utf-8").splitlines():
        name, *frames = line.split()
        yield name, [bytes.fromhex(frame.strip("-")) for frame in frames]


def _line(name: str, frames: Frames) -> str:
    return " ".join([name, *(frame.hex() or "-" for frame in frames)])


class Report:
    """The findings of a run."""

    def __init__(self) -> None:
        self.findings: dict[str, Frames] = {}  # by kind: the shortest input of each
        self.worst_s = 0.0
        self.worst_bytes = 0

    def finding(self, error: Exception, frames: Frames) -> None:
        trace = error.__traceback__
        where = ""
        while trace is not None:
            file = Path(trace.tb_frame.f_code.co_filename)
            if {"fetcher", "tools"} & set(file.parts):
                where = f"{file.stem}:{trace.tb_frame.f_code.co_name}"
            trace = trace.tb_next
        kind = f"{type(error).__name__}:{where}"
        before = self.findings.get(kind)
        if before is None or sum(map(len, frames)) < sum(map(len, before)):
            self.findings[kind] = frames

    def took(self, seconds: float, frames: Frames) -> None:
        if seconds > self.worst_s:
            self.worst_s, self.worst_bytes = seconds, sum(map(len, frames))


def fuzz(seed: int, count: int, report: Report) -> Roles:
    """`count` inputs of this seed."""
    roles = Roles()
    clock = time.perf_counter
    for frames in Mutator(seed).inputs(count):
        began = clock()
        try:
            roles.take(frames)
        except Exception as error:
            report.finding(error, frames)
        took_s = clock() - began
        if took_s > _SLOW_S:
            # Another process may have had the core meanwhile.
            took_s = min(took_s, *(_time(frames) for _ in range(3)))
        report.took(took_s, frames)
    return roles


def _time(frames: Frames) -> float:
    roles = Roles()
    began = time.perf_counter()
    try:
        roles.take(frames)
    except Exception:
        return 0.0  # a finding already
    return time.perf_counter() - began


def burst(report: Report) -> tuple[int, float, str, float, str]:
    """All bombs: how many; the slowest in ns a byte and its name; the largest in bytes a byte."""
    number = 0
    slow, slow_name, large, large_name = 0.0, "", 0.0, ""
    for number, (name, head) in enumerate(bombs(), 1):  # noqa: B007
        frames = [head, b""] if name.startswith(("tasks", "chunk")) else [head]
        tracemalloc.start()
        began = time.perf_counter()
        try:
            codec.decode(frames)
        except WireError:
            pass
        except Exception as error:
            report.finding(error, frames)
        took_s = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if len(head) > _MB and took_s / len(head) * 1e9 > slow:
            slow, slow_name = took_s / len(head) * 1e9, name
        if peak > large:
            large, large_name = peak, name
    return number, slow, slow_name, large / _MB, large_name


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (%(default)s)")
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs (%(default)s)")
    parser.add_argument("--no-bombs", action="store_true", help="leave the 16-MiB headers out")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="append findings to this file")
    options = parser.parse_args(arguments)
    report = Report()
    began = time.perf_counter()
    rss_before = _peak_rss_mb()
    roles = fuzz(options.seed, options.count, report)
    took_s = time.perf_counter() - began
    print(
        f"seed {options.seed}: {options.count:,} inputs in {took_s:.1f} s, "
        f"{roles.taken:,} of them decoded; the slowest took {report.worst_s * 1e3:.2f} ms "
        f"({report.worst_bytes:,} bytes); peak memory grew by {_peak_rss_mb() - rss_before:.0f} MB"
    )
    if not options.no_bombs:
        number, slow, slow_name, large_mb, large_name = burst(report)
        print(
            f"{number} headers of {codec.MAX_HEADER_BYTES >> 20} MiB: the slowest took "
            f"{slow:.1f} ns a byte ({slow_name}), the largest {large_mb:.0f} MB ({large_name})"
        )
    for kind, frames in list(report.findings.items())[:_MOST_SHOWN]:
        print("FOUND", _line(kind, frames)[:2000])
    if options.keep is not None and report.findings:
        with options.keep.open("a", encoding="utf-8") as file:
            file.writelines(_line(kind, f) + "\n" for kind, f in report.findings.items())
    print(f"{len(report.findings)} findings")
    return 1 if report.findings else 0


def _peak_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB


if __name__ == "__main__":
    sys.exit(main())
