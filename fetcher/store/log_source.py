"""The log of a crawl in OUT, read as the list of its lines; see input.source for a URL file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fetcher.errors import DamageError
from fetcher.input.formats import LOG
from fetcher.store.reader import Committed, Part
from fetcher.store.segments import oldest_first

FRONTIER_NAME: Final = "frontier"
LINKS_NAME: Final = "links"
LOG_SUFFIX: Final = ".jsonl"
_BLOCK_BYTES: Final = 1 << 18


def log_files(part: Part) -> list[str]:
    """The committed files of the log, as the journal names them, oldest first."""
    names = (name for name in part.view.states if name.startswith(f"{FRONTIER_NAME}/"))
    return oldest_first(name for name in names if name.endswith(LOG_SUFFIX))


class LogSource:
    """The committed lines of a crawl's log. Raises DamageError."""

    format = LOG

    def __init__(self, part: Part) -> None:
        self._part = part
        self.path = part.out / FRONTIER_NAME

    def url_lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and text of each line, in order."""
        number = 0
        for text in self._texts():
            number += 1
            yield number, text
        crawl = self._part.view.crawl
        if crawl is None or number != crawl.lines:
            said = "no crawl" if crawl is None else f"{crawl.lines} lines"
            raise DamageError(f"{self.path}: has {number} lines, and the journal has {said}")

    def _texts(self) -> Iterator[bytes]:
        states = self._part.view.states
        for name in log_files(self._part):
            with Committed(self._part.out / name, states[name].length) as file:
                rest = b""
                while block := file.read(_BLOCK_BYTES):
                    *whole, rest = (rest + block).split(b"\n")
                    yield from whole
                if rest or not file.is_as(states[name].digest):
                    raise DamageError(
                        f"{self._part.out / name}: its bytes are not those that were committed"
                    )
