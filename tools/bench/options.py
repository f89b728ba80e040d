"""Types of the benchmarks' options: what cannot be measured is refused before anything is.

Each raises argparse.ArgumentTypeError, which the command line shows with the option's name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from fetcher.cli.options import overrides_of
from fetcher.settings import load
from tools.bench.processes import OWN_SERVERS

_MOST: Final = 10**9


def positive_int(text: str) -> int:
    """A whole number from 1 on."""
    return _whole(text, 1)


def int_from_0(text: str) -> int:
    """A whole number from 0 on."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    wanted = f"a whole number from {least} to {_MOST}"
    try:
        value = int(text)
    except ValueError:
        raise _refused(text, wanted) from None
    if not least <= value <= _MOST:
        raise _refused(text, wanted)
    return value


def positive_float(text: str) -> float:
    """A number above 0."""
    wanted = f"a number above 0, at most {_MOST}"
    value = _number(text, wanted)
    if not value:
        raise _refused(text, wanted)
    return value


def float_from_0(text: str) -> float:
    """A number from 0 on."""
    return _number(text, f"a number from 0 to {_MOST}")


def _number(text: str, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _refused(text, wanted) from None
    if not 0 <= value <= _MOST:  # neither is "nan"
        raise _refused(text, wanted)
    return value


def existing_folder(text: str) -> Path:
    """A folder that exists, in which files can be made."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder; make it first")
    if not os.access(path, os.W_OK | os.X_OK):
        raise argparse.ArgumentTypeError(f"{text}: no files can be made there; name another folder")
    return path


def add_choice(parser: argparse.ArgumentParser, name: str, known: Collection[str]) -> None:
    """Add an argument that is any number of these names."""

    # Not by `choices`, which would refuse that none is named.
    def chosen(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(known)}")
        return text

    said = f"of {', '.join(known)}; none: all"
    parser.add_argument(name, nargs="*", type=chosen, default=[], help=said)


def add_limits(parser: argparse.ArgumentParser, limit_s: float) -> None:
    """Add --limit and --dir."""
    parser.add_argument(
        "--limit", type=positive_float, default=limit_s, help="seconds that a run may take"
    )
    add_folder(parser)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add --dir."""
    parser.add_argument(
        "--dir", type=existing_folder, default=None, help="where the temporary files go"
    )


def check_settings(given: Sequence[str]) -> None:
    """Check texts SECTION.KEY=VALUE as `fetcher run --set` does. Raises ConfigError."""
    load.load(OWN_SERVERS, {}, overrides_of(given))


def _refused(text: str, wanted: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
