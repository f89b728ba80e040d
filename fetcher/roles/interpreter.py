"""How a fresh interpreter is started for a role, and what it can import.

Law: the current folder never leads a child's `sys.path`: a user's `http.py`, `queue.py` or
`fetcher/` in it must not replace what is installed. Modules that settings name are the user's own:
for these, the folders in which the parent finds modules, and the current one, come last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fetcher.settings.load import is_text
from fetcher.settings.schema import Settings

_BOOTSTRAP: Final = str(Path(__file__).with_name("bootstrap.py").absolute())


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this very package."""
    return [sys.executable, "-P", _BOOTSTRAP, module, *arguments]


def own_folders(settings: Settings) -> tuple[str, ...]:
    """Where modules of the user may be; () where the settings name none.

    Python's own wish to keep the current folder out (`-P`, PYTHONSAFEPATH) is respected.
    """
    if not names_own_code(settings):
        return ()
    folders = [*sys.path] if sys.flags.safe_path else [*sys.path, ""]
    return tuple(dict.fromkeys(filter(is_text, map(_absolute, folders))))


def names_own_code(settings: Settings) -> bool:
    """Whether some setting is the user's `module:name`."""
    return ":" in f"{settings.worker.handler}{settings.worker.transport}{settings.http.auth}"


def search_also(folders: Sequence[str]) -> None:
    """Find modules there, too, after all others."""
    sys.path += [folder for folder in folders if folder not in sys.path]


def _absolute(folder: str) -> str:
    try:
        return os.path.abspath(folder)  # noqa: PTH100 (links stay as they are)
    except OSError:  # the current folder is gone
        return folder
