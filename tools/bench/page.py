"""The tables and figures of docs/benchmarks.md, as Markdown, from what benchmarks have kept. Pure.

A figure's path is `benchmark.table.row.figure`. A path that leads nowhere is an error, so that the
page shows only figures that were measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tools.bench import profile_tables
from tools.bench.cases import CASES
from tools.bench.figures import Results, Rows, Sample, Table
from tools.bench.programs import PROGRAMS
from tools.bench.table import number

_STAGES: Final = {
    "libcurl": "libcurl and the kernel, as in bare pycurl",
    "loop": "gevent's loop, a greenlet per transfer",
    "exchange": "limits, headers, digest, address guard",
    "fetch": "URL check, attempts, the result",
    "pool": "batches, pool, rows as JSON, chunks",
    "names": "name look-ups",
    "whole": "ventilator, sink, commits; start and end",
}


_PROCESSES: Final = {
    "sink": "sink",
    "ventilator": "ventilator",
    "worker": "workers",
    "direct_main": "`get`'s process",
}

_PROFILES: Final = {
    "parts": profile_tables.parts,
    "c": profile_tables.c_functions,
    "python": profile_tables.python_functions,
    "tried": profile_tables.tried,
}


class MissingFigureError(LookupError):
    """The template refers to a figure that no file has."""


class Page:
    """What a template may ask for."""

    def __init__(self, results: Mapping[str, Results]) -> None:
        self._results = results

    # -- single figures ----------------------------------------------------------------------

    def sample(self, path: str) -> Sample:
        """The figure of a path. Raises MissingFigureError."""
        benchmark, table, row, figure = path.split(".")
        rows = self.table(f"{benchmark}.{table}").rows
        try:
            return rows[row][figure]
        except KeyError:
            raise MissingFigureError(f"{path}: run `python -m tools.bench {benchmark}`") from None

    def table(self, path: str) -> Table:
        """The table `benchmark.table`. Raises MissingFigureError."""
        benchmark, name = path.split(".")
        try:
            return self._results[benchmark].tables[name]
        except KeyError:
            raise MissingFigureError(f"{path}: run `python -m tools.bench {benchmark}`") from None

    def figure(self, path: str) -> str:
        """The median, with three or four digits."""
        return number(self.sample(path).median)

    def lowest(self, path: str) -> str:
        """The lowest of the runs."""
        return number(self.sample(path).lowest)

    def highest(self, path: str) -> str:
        """The highest of the runs."""
        return number(self.sample(path).highest)

    def rounded(self, path: str) -> str:
        """The median without decimals."""
        return f"{self.sample(path).median:,.0f}"

    def ratio(self, path: str, other: str) -> str:
        """How many times the other median."""
        times = self.sample(path).median / self._divisor(other)
        return f"{times:.{2 if times < 1 else 1 if times < 10 else 0}f}"

    def _divisor(self, path: str) -> float:
        median = self.sample(path).median
        if not median:
            raise MissingFigureError(f"{path} is 0, which nothing can be divided by")
        return median

    def percent(self, path: str, other: str | None = None) -> str:
        """A share, or the share of another figure, in percent."""
        base = self._divisor(other) if other else 1.0
        return f"{100 * self.sample(path).median / base:.0f} %"

    # -- where figures are from --------------------------------------------------------------

    def about(self, *paths: str) -> str:
        """When and how tables were measured, of how many runs, and where, if not as most were."""
        found = dict.fromkeys(self._about(path) for path in paths)
        return " ".join(f"*{each}*" for each in found)

    def _about(self, path: str) -> str:
        table = self.table(path)
        machine = "" if table.machine in ("", self.machine()) else f" Machine: {table.machine}."
        note = f" {table.note}" if table.note else ""
        how = f"`{table.origin}`" if table.origin.startswith("python") else table.origin
        return f"{table.measured_on}, {how}; {runs_of(table.rows)}.{note}{machine}"

    def machine(self) -> str:
        """The machine of most tables that have one."""
        machines = [
            table.machine
            for results in self._results.values()
            for table in results.tables.values()
            if results.benchmark != "guard" and table.machine
        ]
        return max(sorted(set(machines)), key=machines.count) if machines else ""

    # -- tables ------------------------------------------------------------------------------

    def work(self) -> str:
        """Who does which work for each URL."""
        head = (
            "program",
            "looks names up",
            "certificates",
            "limits for a host",
            "leaves",
        )
        return markdown(
            head,
            (
                (each.title, each.names, each.verifies, each.limits, each.keeps)
                for each in PROGRAMS.values()
            ),
        )

    def programs(self, *cases: str) -> str:
        """Programs and cases: URLs/s, and microseconds of CPU per URL."""
        tables = {case: self.table(f"speed.{case}").rows for case in cases}
        head = ("URLs/s (CPU µs per URL)", *(_title(case, tables[case]) for case in cases))
        rows = [
            (program.title, *(_rate_and_cost(tables[case].get(name)) for case in cases))
            for name, program in PROGRAMS.items()
            if any(name in tables[case] for case in cases)
        ]
        return markdown(head, rows)

    def spreads(self, *cases: str) -> str:
        """The same cases with the lowest and highest rate of the runs, and memory."""
        head = ("case", "program", "URLs/s", "lowest - highest", "CPU µs per URL", "peak MB, all")
        return markdown(
            head,
            (
                (CASES[case].title, PROGRAMS[name].title, *_details(rows[name]))
                for case in cases
                for rows in (self.table(f"speed.{case}").rows,)
                for name in rows
            ),
        )

    def last_rows(self, path: str) -> str:
        """Seconds to the end of a list, compared with the ideal."""
        head = ("program", "seconds", "lowest - highest", "ideal", "ideal / it", "CPU µs per URL")
        return markdown(head, (_last_row(*item) for item in self.table(path).rows.items()))

    def politeness(self, path: str, titles: Mapping[str, str]) -> str:
        """The same list without politeness and with it."""
        rows = self.table(path).rows
        head = ("processes that fetch", "without limits", "polite", "rate, polite / without")
        return markdown(
            head,
            (
                (
                    title,
                    *(_rate_and_cost(_part(rows[name], part)) for part in ("impolite", "polite")),
                    f"{rows[name]['rate_ratio'].median:.2f}",
                )
                for name, title in titles.items()
            ),
        )

    def starts(self, path: str, titles: Mapping[str, str]) -> str:
        """Seconds of wall and CPU time of short commands; CPU also by process."""
        rows = self.table(path).rows
        parts = ("command", *_PROCESSES)
        head = ("command", "wall s", "CPU s", "its own process", *_PROCESSES.values())
        return markdown(
            head,
            (
                (
                    title,
                    _seconds(rows[name].get("wall_s")),
                    _seconds(rows[name].get("cpu_s")),
                    *(_seconds(rows[name].get(f"{part}_cpu_s")) for part in parts),
                )
                for name, title in titles.items()
            ),
        )

    def stages(self, *cases: str) -> str:
        """Microseconds of CPU per URL of each part."""
        tables = {case: self.table(f"stages.{case}").rows for case in cases}
        return markdown(
            ("part, CPU µs per URL", *(CASES[case].title for case in cases)),
            (
                (title, *(_cost(tables[case].get(name)) for case in cases))
                for name, title in _STAGES.items()
                if any(name in tables[case] for case in cases)
            ),
        )

    def forms(self, path: str, titles: Mapping[str, str], first: str) -> str:
        """The forms of stored rows and bodies, each compared with the first."""
        rows = self.table(path).rows
        head = ("`output.` …", "URLs/s", "of the first", "CPU µs per URL", "bytes a URL in OUT")
        base = rows[first]["urls_per_s"].median
        return markdown(
            head,
            (
                (
                    title,
                    number(rows[name]["urls_per_s"].median),
                    "" if name == first else _times(rows[name]["urls_per_s"].median / base),
                    number(rows[name]["cpu_us"].median),
                    f"{rows[name]['out_bytes'].median:,.0f}",
                )
                for name, title in titles.items()
            ),
        )

    def crawls(self, path: str, titles: Mapping[str, str]) -> str:
        """The same pages as a crawl, as a list and by another crawler."""
        rows = self.table(path).rows
        roles = ("ventilator", "worker", "sink")
        head = ("program", "pages/s", "CPU µs per page", *roles, "peak MB, all")
        return markdown(
            head,
            (
                (
                    title,
                    f"{rows[name]['pages_per_s'].median:,.0f}",
                    _cost(rows[name]),
                    *(_cost_of(rows[name].get(f"{role}_cpu_us")) for role in roles),
                    f"{rows[name]['peak_mb'].highest:.0f}",
                )
                for name, title in titles.items()
                if name in rows
            ),
        )

    def links(self, path: str) -> str:
        """The links that the sink of a crawl takes."""
        head = ("links", "links/s", "CPU µs per link")
        rows = self.table(path).rows.items()
        return markdown(
            head,
            (
                (name, f"{row['links_per_s'].median:,.0f}", f"{row['cpu_us'].median:.1f}")
                for name, row in rows
                if "links_per_s" in row
            ),
        )

    def crowd(self, path: str) -> str:
        """One ventilator and one sink, by the number of workers."""
        head = (
            *("workers", "at rest: ventilator", "sink", "full speed: lines/s here"),
            *("ventilator, µs a line", "sink, µs a line", "ventilator, MB", "sink, MB"),
        )
        return markdown(head, (_crowded(name, row) for name, row in self.table(path).rows.items()))

    def profile(self, path: str) -> str:
        """A table of `profile`, or of what was tried; the end of its name says which it is."""
        show = _PROFILES[path.rpartition("_")[2]]
        return show(self.table(path).rows, markdown)

    def engines(self) -> str:
        """What each engine costs that was measured."""
        head = (
            *("engine", "rate, engine / local", "lowest - highest", "first rows, s"),
            *("healed, s", "MB for each slot", "MB otherwise", "versions", "measured"),
        )
        tables = self._results["engines"].tables if "engines" in self._results else {}
        return markdown(head, (_engine(name, table) for name, table in sorted(tables.items())))

    def exports(self, path: str, titles: Mapping[str, str]) -> str:
        """Formats of an export."""
        rows = self.table(path).rows
        return markdown(
            ("format", "rows/s", "CPU µs per row", "memory"),
            (
                (
                    title,
                    f"{rows[name]['rows_per_s'].median:,.0f}",
                    number(rows[name]["cpu_us"].median),
                    f"{rows[name]['peak_mb'].highest:.0f} MB",
                )
                for name, title in titles.items()
            ),
        )


def runs_of(rows: Rows) -> str:
    """How many runs the figures come from, in words: `single runs` or `medians of 3`."""
    counts = {
        each.runs
        for figures in rows.values()
        for name, each in figures.items()
        if _is_measured(name)
    }
    if counts == {1}:
        return "single runs"
    between = f"{min(counts)} to {max(counts)}" if len(counts) > 1 else f"{max(counts, default=0)}"
    return f"medians of {between}"


def _is_measured(name: str) -> bool:
    """Whether a figure was measured: an ideal was not, and a file's size has no spread."""
    return name not in ("ideal_s", "file_bytes")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _times(ratio: float) -> str:
    return f"\N{MULTIPLICATION SIGN} {ratio:.2f}"


def _title(case: str, rows: Rows) -> str:
    is_single = all(figures["urls_per_s"].is_single for figures in rows.values())
    return CASES[case].title + (" (one run)" if is_single else "")


def _rate_and_cost(figures: Mapping[str, Sample] | None) -> str:
    if figures is None:
        return ""
    rate, cost = figures["urls_per_s"].median, figures["cpu_us"].median
    return f"{rate:,.0f} ({cost:,.0f})"


def _crowded(name: str, row: Mapping[str, Sample]) -> tuple[str, ...]:
    return (
        f"{int(name.rpartition('_')[2]):,}",
        f"{row['rest_ventilator_cpu_percent'].median:.0f} % of a core",
        f"{row['rest_sink_cpu_percent'].median:.0f} % of a core",
        f"{row['lines_per_s'].median:,.0f}",
        *(f"{row[name].median:.1f}" for name in ("ventilator_us", "sink_us")),
        *(f"{row[name].highest:.0f}" for name in ("ventilator_mb", "sink_mb")),
    )


def _part(figures: Mapping[str, Sample], part: str) -> dict[str, Sample]:
    """The figures whose names begin with that of the part, without it."""
    begin = f"{part}_"
    return {key.removeprefix(begin): each for key, each in figures.items() if key.startswith(begin)}


def _details(figures: Mapping[str, Sample]) -> tuple[str, ...]:
    rate = figures["urls_per_s"]
    return (
        f"{rate.median:,.0f}",
        "" if rate.is_single else f"{rate.lowest:,.0f} - {rate.highest:,.0f}",
        f"{figures['cpu_us'].median:,.0f}",
        f"{figures['peak_mb'].median:,.0f}",
    )


def _last_row(name: str, figures: Mapping[str, Sample]) -> tuple[str, ...]:
    wall = figures["wall_s"]
    return (
        PROGRAMS[name].title,
        f"{wall.median:.1f}",
        "" if wall.is_single else f"{wall.lowest:.1f} - {wall.highest:.1f}",
        f"{figures['ideal_s'].median:.1f}",
        f"{100 * figures['ideal_share'].median:.0f} %",
        f"{figures['cpu_us'].median:,.0f}",
    )


def _engine(name: str, table: Table) -> tuple[str, ...]:
    local, engine = table.rows["local"], table.rows["engine"]
    ratio = engine["rate_ratio"]
    return (
        f"`{name}`",
        f"{ratio.median:.2f}",
        f"{ratio.lowest:.2f} - {ratio.highest:.2f}",
        f"{engine['first_rows_s'].median:.1f} (local {local['first_rows_s'].median:.1f})",
        f"{engine['heal_s'].median:.1f}",
        *(f"{engine[figure].median:.0f}" for figure in ("slot_mb", "other_mb")),
        table.note,
        f"{table.measured_on}, {runs_of(table.rows)}",
    )


def _seconds(figure: Sample | None) -> str:
    return "" if figure is None else f"{figure.median:.2f}"


def _cost(figures: Mapping[str, Sample] | None) -> str:
    return "" if figures is None else _cost_of(figures["cpu_us"])


def _cost_of(figure: Sample | None) -> str:
    return "" if figure is None else f"{figure.median:.0f}"
