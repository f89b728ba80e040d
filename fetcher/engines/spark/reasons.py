"""Finds the reason in an error of Spark, whose texts are pages of traces: pure."""

from __future__ import annotations

import re
from typing import Final

NO_CORE: Final = "SPARK-24819"  # Spark has no core for a stage
_MOST: Final = 200  # characters
# The first that is found: the error of Python, what ended the task, any error of Java.
_REASONS: Final = (
    re.compile(r"^Traceback .*?^((?:\w+\.)*\w*(?:Error|Exception): [^\n]*)", re.M | re.S),
    re.compile(r"finished unsuccessfully\.\s+(?:(?:\w+\.)+\w+: )?([^\n]+)"),
    re.compile(r"^(?::\s*)?(?:\w+\.)+\w*(?:Error|Exception): ([^\n]+)", re.M),
    re.compile(r"^\s*([^\n]+)"),
)
_TRACE: Final = "Traceback (most recent call last):"


def short(text: str) -> str:
    """Return the reason as one line."""
    text = text.replace(_TRACE, f"\n{_TRACE}")
    for pattern in _REASONS:
        if found := pattern.search(text):
            return found[1].strip()[:_MOST]
    return text
