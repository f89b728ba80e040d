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
