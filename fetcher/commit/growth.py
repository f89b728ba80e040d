"""The log of a crawl, as its sink extends it.

The links of new rows are judged when the rows are offered, and what becomes of them is written in
the commit of these rows. Until then it counts as seen: the frontier knows all keys that are in the
log or will be with the next commit. A row that is a duplicate brings no links.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.errors import WireError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import Admitted, RowLinks, totals_of
from fetcher.frontier.links import FaultyRequest, Link, LinkRequest, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import CrawlTotals
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import Chunk
from fetcher.protocol import links

_PLAIN: Final = LinkRequest()
_of_link: Final = operator.attrgetter("via", "priority", "request")
_encode: Final = msgspec.msgpack.Encoder().encode


class CrawlFiles(Protocol):
    """The files of a crawl; see store.crawl_files."""

    def append(self, what: Appended, level: Level) -> None:
        """Write after the committed lengths, durably; on NoSpaceError nothing has changed.

        `level`: as it is committed; its file gets `what.found`.
        """

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        """The committed lines `first` to `end` - 1 of the log."""

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        """Read a level's file: the rows after line `judged_to`, in the order of their lines."""


class Growth:
    """Collects what the next commit adds to the log; `committed` is what is durable."""

    def __init__(
        self, rules: CrawlRules, frontier: Frontier, record: CrawlRecord, files: CrawlFiles
    ) -> None:
        """`frontier`: has taken all committed keys and seeds."""
        self.files = files
        self._frontier = frontier
        self._keeps_links = rules.keep_links
        self.committed = record
        self._clear()

    def _clear(self) -> None:
        self.pending = Appended()
        self._seeds = self.committed.seeds
        self._seed_lines = 0
        self._has_all_seeds = self.committed.has_all_seeds
        self._totals = CrawlTotals()
        self.is_pending = False  # whether a commit would change something

    @property
    def pending_bytes(self) -> int:
        """About what the pending part takes in memory."""
        return sum(map(len, self.pending.log)) + sum(map(len, self.pending.edges))

    # -- what comes in -----------------------------------------------------------------------

    def seeds(self, first: int, texts: Sequence[bytes], *, at_end: bool) -> None:
        """Take a page of seeds, of which the first has the number `first`. Raises WireError.

        What was taken already is left out, so a page may come again. A page that leaves a gap is
        ignored.
        """
        known = self._seeds - first
        if known < 0 or self._has_all_seeds:
            return
        seeds = [_seed_link(text) for text in texts[known:]]
        self.is_pending = True
        self._seeds += len(seeds)
        admitted = self._frontier.seeds(seeds)
        self._seed_lines += len(admitted.new)
        if admitted.records:
            self._take(admitted)
        self._count([admitted])
        self._has_all_seeds = at_end and self._seeds == first + len(texts)

    def found_in(self, chunk: Chunk) -> list[RowLinks]:
        """The links of those rows of a chunk that have some. Raises WireError."""
        if not chunk.link_bytes:
            return []
        pages = iter(links.decode_rows(chunk.links, sum(map(bool, chunk.link_bytes))))
        hops = chunk.hops or [0] * len(chunk.lines)
        found = []
        for line, depth, hop, size in zip(
            chunk.lines, chunk.depths, hops, chunk.link_bytes, strict=True
        ):
            if size:
                page = next(pages)
                found.append(RowLinks(line, depth, page.links, hop, page.left_out))
        return found

    def found(self, rows: Sequence[RowLinks]) -> None:
        """Take the links of these rows, which are new."""
        self._judge(rows)

    def _judge(self, rows: Sequence[RowLinks]) -> None:
        answers = self._frontier.offer_rows(rows)
        for admitted in answers:
            if admitted.records:
                self._take(admitted)
        self._count(answers)
        if self._keeps_links:
            self.pending.edges += [
                _encode((each.row.line, each.to, each.kinds))
                for each in answers
                if each.to or each.row.left_out
            ]

    def _take(self, admitted: Admitted) -> None:
        """Add new lines, of which there is one at least."""
        self.pending.lines += len(admitted.new)
        self.pending.log.append(_log_of(admitted))
        self.pending.keys.append(admitted.records)

    def _count(self, answers: Sequence[Admitted]) -> None:
        self._totals.add(totals_of(answers))
        self.is_pending = self.is_pending or bool(answers)

    # -- the end -----------------------------------------------------------------------------

    def extend(self) -> bool:
        """Judge the next links that were put off to the end of a level; False: none are left.

        Call it when every line that is ready has its row, and nothing is pending.
        """
        return False

    @property
    def is_at_rest(self) -> bool:
        """Whether all seeds are there, and nothing waits for a commit."""
        return self.committed.has_all_seeds and not self.is_pending

    # -- commits -----------------------------------------------------------------------------

    def write(self) -> None:
        """Append what is pending to the files. Raises NoSpaceError."""
        self.files.append(self.pending, self.committed.level)

    def record(self) -> CrawlRecord:
        """The state that the next commit makes durable."""
        before = self.committed
        lines = before.lines + self.pending.lines
        return replace(
            before,
            seeds=self._seeds,
            has_all_seeds=self._has_all_seeds,
            seed_lines=before.seed_lines + self._seed_lines,
            lines=lines,
            ready_lines=lines,
            totals=_sum(before.totals, self._totals),
        )

    def publish(self, record: CrawlRecord) -> None:
        """The journal has this record, and the files what was pending."""
        self.committed = record
        self._clear()


def _kind_of(link: Link, is_foreign: bool) -> tuple[Any, bool]:
    """Lines of one kind differ in nothing but their URLs."""
    return _of_link(link), is_foreign


def _blocks_of(admitted: Admitted) -> Iterable[tuple[tuple[Any, bool], list[bytes]]]:
    """The kinds of the new lines, and the URLs of each."""
    new, foreign = admitted.new, admitted.foreign
    # Most pages have links of one kind to one host, which only handlers give more than a URL.
    if len(new.kinds) == 1 and not new.rest and foreign.count(foreign[0]) == len(foreign):
        return [(_kind_of(new[0], foreign[0]), new.urls)]
    lines = zip(map(_kind_of, new, foreign), new.urls, strict=True)
    alike = itertools.groupby(lines, operator.itemgetter(0))
    return ((kind, [url for _, url in some]) for kind, some in alike)


def _log_of(admitted: Admitted) -> bytes:
    """The new lines of the log."""
    blocks = []
    for ((via, priority, asked), is_foreign), urls in _blocks_of(admitted):
        depth, hops = admitted.row.place_of(via)
        request = asked or _PLAIN
        like = LogLine(
            url="",
            found_on=admitted.row.line,
            depth=depth,
            via=str(via),
            hops=hops,
            priority=priority,
            route=request.route,
            method=request.method,
            headers=request.headers,
            body=request.body,
            id=request.id,
            foreign=is_foreign,
            fault=request.fault if isinstance(request, FaultyRequest) else None,
        )
        blocks.append(log_lines.encode_alike(urls, like))
    return b"".join(blocks)


def _sum(one: CrawlTotals, other: CrawlTotals) -> CrawlTotals:
    total = CrawlTotals()
    total.add(one)
    total.add(other)
    return total


def _seed_link(text: bytes) -> Link:
    """Raises WireError."""
    try:
        seed = log_lines.decode(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"seeds: not a line of a log: {error}"[:200]) from error
    return link_of(seed, Via.SEED)


def link_of(entry: LogLine, via: str) -> Link:
    """The link of this kind that makes a line of the log."""
    request = LinkRequest(entry.method, entry.route, entry.headers, entry.body, entry.id)
    if entry.fault is not None:
        request = FaultyRequest(id=entry.id, fault=entry.fault)
    asked = None if request == _PLAIN else request
    return Link(entry.url, via, priority=entry.priority, request=asked)
