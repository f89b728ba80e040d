"""Loads the user's own code that a setting names as `module:name`."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from fetcher.errors import ConfigError
from fetcher.fetch.unexpected import one_line


def load(setting: str, value: str) -> Any:
    """Import the module and return the named object. Raises ConfigError with the setting's name."""
    module, _, name = value.partition(":")
    try:
        found = importlib.import_module(module)
    # The user's own code may raise anything.
    except (Exception, SystemExit) as error:
        hint = ""
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            hint = _where_to_put(error.name)
        raise ConfigError(f"{setting} = {value!r}: {one_line(error)}{hint}") from error
    try:
        return getattr(found, name)
    except AttributeError as error:
        raise ConfigError(f"{setting} = {value!r}: {one_line(error)}{_found_at(found)}") from error


def _where_to_put(module: str) -> str:
    if os.environ.get("PYTHONSAFEPATH"):
        return "; PYTHONSAFEPATH keeps the current folder out, so name its folder in PYTHONPATH"
    return f"; put {module}.py in the folder in which fetcher is started, or install it"


def _found_at(module: ModuleType) -> str:
    """Where the module is: another one may have the name, as the standard library's `test`."""
    path = getattr(module, "__file__", None)
    return f" (it was found at {path})" if path else ""
