"""Checks, before a job begins, that a worker can load the user's code and files.

The user's modules are imported in a process of their own, which is patched as a worker is. Only a
clear answer of that process counts. If it fails in another way, the workers will report it.
"""

from __future__ import annotations

import subprocess
from typing import Final

import msgspec

from fetcher.errors import ConfigError, Exit
from fetcher.roles import interpreter
from fetcher.settings.schema import Settings

_MODULE: Final = "fetcher.roles.preflight_main"
_WITHIN_S: Final = 60.0  # a module may load much


class Trial(msgspec.Struct, frozen=True):
    """What the process gets on its standard input."""

    settings: Settings
    own_folders: tuple[str, ...]


def require_own_code(settings: Settings) -> None:
    """Raise ConfigError if worker.handler, http.auth, login or cookies_file cannot be loaded."""
    http = settings.http
    if not (settings.worker.handler or http.auth or http.login or http.cookies_file):
        return
    try:
        tried = subprocess.run(
            interpreter.command(_MODULE),
            input=msgspec.json.encode(Trial(settings, interpreter.own_folders(settings))),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the workers will show what the modules print
            check=False,
            timeout=_WITHIN_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return
    if tried.returncode == Exit.USAGE and tried.stdout:
        raise ConfigError(tried.stdout.decode("utf-8", "replace"))
