"""Escapes text that UTF-8 cannot encode: lone surrogates."""

from __future__ import annotations

from typing import Any


def encodable(text: str) -> str:
    """The text with its lone surrogates escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(value: Any) -> Any:
    """The value with all texts in it as `encodable`, however deep."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value
