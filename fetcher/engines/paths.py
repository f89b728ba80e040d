"""Checks paths and arguments of the user: specs, manifests and messages can hold UTF-8 only."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fetcher.errors import UsageError
from fetcher.settings.load import is_text


def require_path(text: str, named: str) -> None:
    """Raise UsageError if the text cannot be a path, or the real path is not UTF-8.

    `-` stands for a stream, and is accepted. `named`: the argument or setting, for the message.
    """
    if text == "-":
        return
    if not text:
        raise UsageError(f"{named}: is empty; name a file or directory")
    try:
        whole = os.path.realpath(text)
    except (OSError, ValueError) as error:  # the working directory is gone; a null character
        raise UsageError(f"{named}: {text!r} cannot be used as a path ({error})") from error
    if not is_text(whole):
        raise UsageError(f"{named}: {_readable(whole)} is not valid UTF-8; rename it")


def require_text(arguments: Sequence[str]) -> None:
    """Raise UsageError if an argument is not UTF-8."""
    for argument in arguments:
        if not is_text(argument):
            raise UsageError(
                f"{_readable(argument)}: not valid UTF-8, as all arguments and paths must be"
            )


def _readable(text: str) -> str:
    """Return the text with its undecodable bytes written as `\\xff`."""
    return os.fsencode(text).decode(errors="backslashreplace")
