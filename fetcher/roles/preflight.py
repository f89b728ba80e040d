"""Whether a worker can have the user's own code and files, tried before anything is begun.

Law: the user's modules are imported in a process of their own, which is patched as a worker is.
Only what that process says clearly counts; whatever else becomes of it, the workers will tell.
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
    """What the process is given."""

    settings: Settings
    own_folders: tuple[str, ...]


def require_own_code(settings: Settings) -> None:
    """Raises ConfigError where worker.handler, http.auth or http.cookies_file cannot be had."""
    if not (settings.worker.handler or settings.http.auth or settings.http.cookies_file):
        return
    try:
        tried = subprocess.run(
            interpreter.command(_MODULE),
            input=msgspec.json.encode(Trial(settings, interpreter.own_folders(settings))),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what the modules say, the workers' will say again
            check=False,
            timeout=_WITHIN_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return
    if tried.returncode == Exit.USAGE and tried.stdout:
        raise ConfigError(tried.stdout.decode("utf-8", "replace"))
