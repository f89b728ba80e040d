"""Text as UTF-8 can carry it."""

from __future__ import annotations

from typing import Any


def printable(value: Any) -> Any:
    """The same with escapes for what UTF-8 has no bytes for (lone surrogates), however deep."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value
