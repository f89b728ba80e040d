"""The command line of a role's fresh interpreter, and where it finds the user's modules.

The current folder never leads a child's `sys.path`: a user's `http.py`, `queue.py` or `fetcher/` in
it must not replace what is installed. For the modules that settings name, the parent's folders and
the current one come last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fetcher.settings.load import is_text
from fetcher.settings.schema import Settings

# Where this package is: not on the search path of others if it is not installed.
PACKAGE_FOLDER: Final = str(Path(__file__).absolute().parents[2])
_BOOTSTRAP: Final = str(Path(__file__).with_name("bootstrap.py").absolute())


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module of this package."""
    return [sys.executable, "-P", _BOOTSTRAP, module, *arguments]


def own_folders(settings: Settings) -> tuple[str, ...]:
    """Return the folders of the user's modules; () if the settings name none."""
    return search_path() if names_own_code(settings) else ()


def search_path() -> tuple[str, ...]:
    """Return the folders where this process finds modules.

    With Python's option `-P` or PYTHONSAFEPATH, the current folder is left out.
    """
    folders = [*sys.path] if sys.flags.safe_path else [*sys.path, ""]
    return tuple(dict.fromkeys(filter(is_text, map(_absolute, folders))))


def names_own_code(settings: Settings) -> bool:
    """Return whether a setting names a `module:name` of the user."""
    worker, http = settings.worker, settings.http
    return ":" in f"{worker.handler}{worker.transport}{http.auth}{http.login}"


def search_also(folders: Sequence[str]) -> None:
    """Search these folders for modules, too, after all others."""
    sys.path += [folder for folder in folders if folder not in sys.path]


def _absolute(folder: str) -> str:
    try:
        return os.path.abspath(folder)  # noqa: PTH100 (links stay as they are)
    except OSError:  # the current folder is gone
        return folder
