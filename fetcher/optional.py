"""Optional libraries: what to say where one is not installed.

A hint names the library itself and the running interpreter, never a distribution of ours: the
name `fetcher` belongs to somebody else's package in the public index.
"""

from __future__ import annotations

import shlex
import sys
from typing import Final

from fetcher.errors import UsageError

# The lower bounds are those of setup.cfg's extras.
REQUIREMENTS: Final = {
    "bottle": "bottle>=0.13",
    "numpy": "numpy>=1.26",
    "pyarrow": "pyarrow>=17",
    "selectolax": "selectolax>=1.0.2",
}


def missing_library(library: str, needed_by: str) -> UsageError:
    """The error to raise where the import of `library` has failed."""
    command = shlex.join([sys.executable, "-m", "pip", "install", REQUIREMENTS[library]])
    return UsageError(f"{needed_by} needs {library}; install it with: {command}")
