"""The texts of a crawl's lines in memory, for tests of what hands them out."""

from __future__ import annotations

from collections.abc import Sequence


class LineTexts:
    """See leases.crawl_feed.LineTexts."""

    def __init__(self) -> None:
        self._texts: dict[int, bytes] = {}

    def put(self, first: int, texts: Sequence[bytes]) -> None:
        self._texts.update(enumerate(texts, first))

    def get(self, lines: Sequence[int]) -> list[bytes]:
        return [self._texts[line] for line in lines]


class MemorySpill:
    """Keeps blocks in a dict, as a file would."""

    def __init__(self) -> None:
        self.blocks: dict[int, bytes] = {}
        self.puts = 0

    def put(self, block: bytes) -> int:
        self.puts += 1
        self.blocks[self.puts] = block
        return self.puts

    def get(self, ticket: int) -> bytes:
        return self.blocks.pop(ticket)
