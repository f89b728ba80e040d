"""`python -m tools.bench NAME`: figures, and their targets; `--help` lists the names.

Loopback only; everything that is started is ended, whatever happens.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import NoReturn

from tools.bench import (
    bodies,
    curve,
    export,
    memory,
    pipeline,
    scaling,
    speed,
    stages,
    start,
    watching,
)
from tools.bench.table import machine


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for module in (
        pipeline,
        curve,
        scaling,
        memory,
        speed,
        stages,
        export,
        bodies,
        watching,
        start,
    ):
        name = module.__name__.rpartition(".")[2]
        purpose = (module.__doc__ or "").partition("\n\n")
        command = commands.add_parser(
            name,
            help=purpose[0],
            description=(module.__doc__ or ""),
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(143)


def main(arguments: list[str] | None = None) -> int:
    """Run one benchmark; the exit code is 0 also where a target was missed."""
    options = _parser().parse_args(arguments)
    # A plain SIGTERM would skip the `with` blocks that end what was started.
    signal.signal(signal.SIGTERM, _leave)
    print(machine(), flush=True)
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
