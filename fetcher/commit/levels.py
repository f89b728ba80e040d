"""A crawl level by level: a line is judged when all lines of smaller depths have their rows.

So each line has its shortest depth, and the log is the same at every run. The links of a level's
rows are written to a file of the level as the rows come. When every line has its row, they are
judged in the order of the finders' lines: first links that keep their finder's depth, such as
redirects, again and again until these bring no new line; then all others. Only when this is done
are the new lines ready to be handed out. Each step goes on after a restart where it was committed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
from msgspec.structs import replace

from fetcher.commit.crawl_record import CrawlRecord, Level
from fetcher.commit.growth import CrawlFiles, Growth
from fetcher.errors import DamageError, WireError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.links import SAME_DEPTH
from fetcher.frontier.rules import CrawlRules
from fetcher.protocol import links

_HEAD: Final = struct.Struct(">QI")  # the finder's line, and the bytes that follow
HEAD_BYTES: Final = _HEAD.size
_ROWS: Final = 200  # judged with one commit
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[int, int, int, bytes]).decode


class LevelGrowth(Growth):
    """As Growth, but links wait for the end of their level."""

    def __init__(
        self, rules: CrawlRules, frontier: Frontier, record: CrawlRecord, files: CrawlFiles
    ) -> None:
        super().__init__(rules, frontier, record, files)
        self._unjudged: Iterator[RowLinks] | None = None  # of the running step
        self._level = record.level
        self._ready_lines = record.ready_lines

    def found(self, rows: Sequence[RowLinks]) -> None:
        self.pending.found.extend(packed(row) for row in rows if row.links or row.left_out)
        self.is_pending = True

    def extend(self) -> bool:
        if self._unjudged is None:
            self._unjudged = self.files.found_after(self._level)
        rows = list(islice(self._unjudged, _ROWS))
        if not rows:
            return self._next_step()
        wanted = map(self._of_step, rows)
        self._judge([row for row in wanted if row.links or row.left_out])
        self._level = replace(self._level, judged_to=rows[-1].line)
        self.is_pending = True
        return True

    def _of_step(self, row: RowLinks) -> RowLinks:
        """The row with those of its links that the running step judges."""
        is_at_links = self._level.is_at_links
        found = tuple(link for link in row.links if (link.via not in SAME_DEPTH) == is_at_links)
        return replace(row, links=found, left_out=row.left_out if is_at_links else {})

    def _next_step(self) -> bool:
        """Begin the next step, as all links of this one are judged. False: the crawl has ended."""
        self._unjudged = None
        level, ready = self._level, self.committed.ready_lines
        is_grown = self.committed.lines > ready
        if is_grown and not level.is_at_links:
            self._level = replace(level, judged_to=ready)
        elif not level.is_at_links:
            self._level = replace(level, is_at_links=True, judged_to=level.begins_after)
        elif is_grown or level.found_bytes:  # at the very end, what was judged is not kept
            self._level = Level(level.number + 1, judged_to=ready, begins_after=ready)
        else:
            return False
        self._ready_lines = self.committed.lines
        self.is_pending = True
        return True

    def record(self) -> CrawlRecord:
        record = super().record()
        is_ended = self.committed.has_all_seeds
        found_bytes = self._level.found_bytes + sum(map(len, self.pending.found))
        return replace(
            record,
            ready_lines=self._ready_lines if is_ended else record.lines,
            level=replace(self._level, found_bytes=found_bytes),
        )

    def publish(self, record: CrawlRecord) -> None:
        self._level, self._ready_lines = record.level, record.ready_lines
        super().publish(record)


def packed(row: RowLinks) -> bytes:
    """A row's links as a record of the level's file."""
    found = links.encode(links.PageLinks(row.links, row.left_out))
    data = _encode((row.line, row.depth, row.hops, found))
    return _HEAD.pack(row.line, len(data)) + data


def head(data: bytes) -> tuple[int, int]:
    """The finder's line of a record, and the bytes after its head."""
    line, length = _HEAD.unpack(data)
    return line, length


def unpacked(data: bytes, name: str) -> RowLinks:
    """The links in a record after its head. Raises DamageError, which names the file."""
    try:
        line, depth, hops, found = _decode(data)
        page = links.decode(found)
        return RowLinks(line, depth, page.links, hops, page.left_out)
    except (msgspec.MsgspecError, WireError, ValueError) as error:
        raise DamageError(f"{name}: is damaged ({error}); restore a backup of OUT") from error
