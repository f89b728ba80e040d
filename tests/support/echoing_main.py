"""For tests of support.forking: writes what it was given; a number is its exit code."""

import os
import sys
from pathlib import Path


def main() -> None:
    """See the module docstring."""
    (argument,) = sys.argv[1:]
    sys.stdout.write(f"{argument}\n")
    sys.stdout.flush()
    sys.stdout.write(f"{sys.stdin.read()} {os.environ['A_NAME']} {Path.cwd()}\n")
    if argument.isdigit():
        sys.exit(int(argument))
