"""What is wrong in an OUT: all findings are counted by kind; the first few of a kind are listed."""

from __future__ import annotations

from collections import Counter
from typing import Final

MAX_LISTED: Final = 20  # findings of one kind that are listed one by one


class Findings:
    """The findings of an audit."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.listed: list[str] = []

    def add(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_LISTED:
            self.listed.append(f"{what}: {kind}")
