"""The user's own code that a setting names as `module:name`."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from fetcher.errors import ConfigError
from fetcher.fetch.unexpected import one_line


def load(setting: str, value: str) -> Any:
    """What it names. Raises ConfigError, which names the setting, where that cannot be had."""
    module, _, name = value.partition(":")
    try:
        found = importlib.import_module(module)
    # Whatever the user's own code raises.
    except (Exception, SystemExit) as error:
        hint = ""
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            hint = _where_to_put(error.name)
        raise ConfigError(f"{setting} = {value!r}: {one_line(error)}{hint}") from error
    try:
        return getattr(found, name)
    except AttributeError as error:
        raise ConfigError(f"{setting} = {value!r}: {one_line(error)}{_place(found)}") from error


def _where_to_put(module: str) -> str:
    if os.environ.get("PYTHONSAFEPATH"):
        return "; PYTHONSAFEPATH keeps the current folder out, so name its folder in PYTHONPATH"
    return f"; put {module}.py in the folder in which fetcher is started, or install it"


def _place(module: ModuleType) -> str:
    """Another module may have the name: `test`, for one, is the standard library's."""
    path = getattr(module, "__file__", None)
    return f" (it was found at {path})" if path else ""
