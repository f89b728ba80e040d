"""Optional libraries: what to say where one is not installed.

A hint names the library itself and the running interpreter, never a distribution of ours: the
name `fetcher` belongs to somebody else's package in the public index.
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from typing import Final

from fetcher.errors import UsageError

# The lower bounds are those of setup.cfg's extras.
REQUIREMENTS: Final = {
    "bottle": "bottle>=0.13",
    "celery": "celery[redis]>=5.5",
    "distributed": "distributed>=2025.1",
    "numpy": "numpy>=1.26",
    "pyarrow": "pyarrow>=17",
    "pyspark": "pyspark>=4.0",
    "ray": "ray[client]>=2.52",
    "turbohtml": "turbohtml>=1.15.4",
}
_CRAWL: Final = ("numpy", "turbohtml")


def require_crawl_libraries(needed_by: str = "fetcher crawl") -> None:
    """Raise UsageError if a crawl lacks a library, before anything is started."""
    missing = [name for name in _CRAWL if importlib.util.find_spec(name) is None]
    if missing:
        raise missing_library(*missing, needed_by=needed_by)


def missing_library(*libraries: str, needed_by: str) -> UsageError:
    """The error to raise where the import of these libraries has failed."""
    wanted = [REQUIREMENTS[library] for library in libraries]
    command = shlex.join([sys.executable, "-m", "pip", "install", *wanted])
    pronoun = "it" if len(libraries) == 1 else "them"
    return UsageError(
        f"{needed_by} needs {' and '.join(libraries)}; install {pronoun} with: {command}"
    )
