"""`python -m tools.bench NAME`: figures, and their targets; `--help` lists the names.

Loopback only; everything that is started is ended, whatever happens. With --save the figures are
also kept in tools/bench/results, from which `python -m tools.bench docs` writes docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Final, NoReturn

try:
    from fetcher.errors import FetcherError
    from tools.bench import (
        all_tables,
        bodies,
        crawl,
        crowd,
        curve,
        docs,
        export,
        figures,
        guard,
        memory,
        mix,
        pipeline,
        politeness,
        profile,
        scaling,
        slow,
        speed,
        stages,
        start,
        watching,
    )
    from tools.bench.options import check_settings
    from tools.bench.processes import MeasurementError, compile_modules
    from tools.bench.table import machine
except ModuleNotFoundError as missing:
    sys.exit(
        f"tools.bench needs the module {missing.name}; run `make test` once, which installs it"
    )

# Each measures, prints its tables, and returns their figures.
BENCHMARKS: Final[Mapping[str, ModuleType]] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(pipeline, curve, scaling, memory, speed, slow, mix, stages, export, bodies, watching),
        *(politeness, start, crawl, crowd, profile),
    )
}
# Each has its own exit code.
_OTHERS: Final[Mapping[str, ModuleType]] = {"guard": guard, "docs": docs}
_ALL: Final = {"all": all_tables}


class _Parser(argparse.ArgumentParser):
    """One line for a wrong command line, as the usage is long."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parser() -> argparse.ArgumentParser:
    """The command line of all benchmarks."""
    whole = _Parser(prog="python -m tools.bench", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    for name, module in {**BENCHMARKS, **_OTHERS, **_ALL}.items():
        purpose = (module.__doc__ or "").partition("\n\n")
        command = commands.add_parser(
            name,
            help=purpose[0].replace("%", "%%"),
            description=(module.__doc__ or ""),
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        module.add_options(command)
        if name in BENCHMARKS:
            command.add_argument("--save", action="store_true", help="keep the figures as JSON")
    return whole


def _command(given: Sequence[str]) -> str:
    """The command that measures the same: without where files went and that figures were kept."""
    words = [word for word in given if word != "--save"]
    if "--dir" in words:
        at = words.index("--dir")
        del words[at : at + 2]
    return " ".join(["python -m tools.bench", *words])


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(143)


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark; the exit code of a plain one is 0 also where a target was missed.

    1: something did not run, or not in time; 2: an option, a setting or a stored file is wrong.
    """
    given = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(given)
    # A plain SIGTERM would skip the `with` blocks that end what was started.
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _run(options, given)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except FetcherError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except (MeasurementError, TimeoutError, subprocess.TimeoutExpired) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, given: Sequence[str]) -> int:
    check_settings(getattr(options, "set", ()))
    compile_modules()
    if options.command in _ALL:
        return all_tables.run(options, main)
    if options.command in _OTHERS:
        return int(_OTHERS[options.command].run(options))
    if options.save:
        figures.require_room(options.command)
    print(machine(), flush=True)
    tables = BENCHMARKS[options.command].run(options)
    if options.save and tables:
        print(f"\nsaved in {figures.save(options.command, tables, _command(given))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
