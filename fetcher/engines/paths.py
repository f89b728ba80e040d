"""Names that a user gave: what can be written down in specs, manifests and messages is UTF-8."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fetcher.errors import UsageError
from fetcher.settings.load import is_text


def require_path(text: str, named: str) -> None:
    """Raises UsageError where it is none, or leads to where names are no text; `-` is a stream."""
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
    """Raises UsageError where an argument is not UTF-8: nothing of it could be written down."""
    for argument in arguments:
        if not is_text(argument):
            raise UsageError(
                f"{_readable(argument)}: not valid UTF-8, as all arguments and paths must be"
            )


def _readable(text: str) -> str:
    """With the bytes that are no text as in `\\xff`."""
    return os.fsencode(text).decode(errors="backslashreplace")
