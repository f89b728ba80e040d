"""Judges every line of a crawl's log again, by the code and the rules that its sink used.

A line is right if the frontier, which has taken all lines before it, admits it now: then its key
is new, it lies within scope, traps, depth and budgets, and its depth and its key are as recorded.
This takes about 31 bytes of memory a line.
"""

from __future__ import annotations

import operator
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Final

from fetcher.commit.growth import link_of
from fetcher.errors import DamageError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RECORD_BYTES, Edge, NewLine, RowLinks
from fetcher.frontier.links import Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import MAX_DEPTHS
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.store.crawl_files import KEYS_SUFFIX
from fetcher.store.log_source import FRONTIER_NAME, LogSource
from fetcher.store.reader import Committed, Part
from fetcher.store.segments import oldest_first
from fetcher.verify.findings import Findings

DAMAGED: Final = "damaged, and not checked further"
NOT_PARSED: Final = "not a line of a log"
NOT_A_SEED: Final = "a seed among the lines that were found, or the reverse"
NOT_EARLIER: Final = "was found on a line that is not an earlier one"
SAME_KEY: Final = "has the key of an earlier line"
REFUSED: Final = "the rules of the crawl refuse this line"
OTHER_DEPTH: Final = "its depth is not that of its finder and its kind of link"
OTHER_KEY: Final = "its key or its host differs in the file of keys"
OTHER_HOME: Final = "the log says otherwise whether its host is that of a seed"
OTHER_COUNTS: Final = "differs from the journal"

_AT_ONCE: Final = 4096  # lines whose keys are looked up together


class LogAudit:
    """The lines of a log, once `run`: `finders` and `depths` by line, from index 1."""

    def __init__(self, part: Part, rules: CrawlRules, findings: Findings) -> None:
        record = part.view.crawl
        if record is None:
            raise DamageError(f"{part.out}: its journal does not know the crawl; restore a backup")
        self.record = record
        self.finders = array("I", [0])
        self._depths = array("I", [0])
        self._hops = array("B", [0])
        self._part = part
        self._found = findings
        self._frontier = Frontier(rules, record.key_seed)
        self._frontier.expect(record.lines)
        self._most_links = rules.links_per_page
        self._texts = LogSource(part).url_lines()
        self._records = _key_records(part)

    @property
    def lines(self) -> int:
        """Lines that were read."""
        return len(self.finders) - 1

    def run(self) -> None:
        """Judge all lines; what is wrong goes to the findings."""
        try:
            while some := self._next_texts():
                self._check(some)
            if next(self._records, None) is not None:
                self._found.add(OTHER_KEY, "the keys of lines that the log does not have")
        except DamageError as error:
            self._found.add(DAMAGED, str(error))
        self._compare_totals()

    def _next_texts(self) -> list[bytes]:
        """The next lines of the log; also those before a damaged place."""
        some: list[bytes] = []
        try:
            some.extend(text for _, text in islice(self._texts, _AT_ONCE))
        except DamageError as error:
            self._found.add(DAMAGED, str(error))
        return some

    def _check(self, texts: Sequence[bytes]) -> None:
        """Judge the next lines."""
        first = self.lines + 1
        entries = [self._taken(first + number, text) for number, text in enumerate(texts)]
        seeds = max(min(self.record.seed_lines - first + 1, len(entries)), 0)
        if seeds:
            self._judge_seeds(first, entries[:seeds])
        if entries[seeds:]:
            self._judge_found(first + seeds, entries[seeds:])

    def _taken(self, line: int, text: bytes) -> LogLine:
        """Note what the log says of a line."""
        try:
            entry = log_lines.decode(text)
        except (ValueError, RecursionError):
            self._found.add(NOT_PARSED, f"line {line} of the log")
            entry = LogLine("")
        is_seed = line <= self.record.seed_lines
        if is_seed != (entry.via == Via.SEED) or is_seed == bool(entry.found_on):
            self._found.add(NOT_A_SEED, f"line {line}")
        elif not 0 <= entry.found_on < line:
            self._found.add(NOT_EARLIER, f"line {line}")
        self.finders.append(entry.found_on if 0 < entry.found_on < line else 0)
        self._depths.append(min(max(entry.depth, 0), 0xFFFF_FFFF))
        self._hops.append(min(max(entry.hops, 0), 0xFF))
        return entry

    def _judge_seeds(self, first: int, entries: Sequence[LogLine]) -> None:
        admitted = self._frontier.seeds([link_of(entry, entry.via) for entry in entries])
        new = iter(admitted.lines)
        for number, edge in enumerate(admitted.edges):
            line = next(new) if isinstance(edge, int) else None
            self._compare(first + number, entries[number], edge, line)

    def _judge_found(self, first: int, entries: Sequence[LogLine]) -> None:
        rows = list(self._rows_of(first, entries))
        line = first
        for admitted in self._frontier.offer_rows(rows):
            new = {each.line: each for each in admitted.lines}
            for edge in admitted.edges:
                # Of a key that is there twice, the later line is not a new one.
                own = new.pop(edge, None) if isinstance(edge, int) else None
                self._compare(line, entries[line - first], edge, own)
                line += 1

    def _rows_of(self, first: int, entries: Sequence[LogLine]) -> Iterator[RowLinks]:
        """The rows that found these lines. Those that one row found follow each other."""
        finders = self.finders[first : first + len(entries)]
        for finder, found in groupby(zip(finders, entries, strict=True), operator.itemgetter(0)):
            links = (link_of(entry, entry.via) for _, entry in found)
            while some := list(islice(links, self._most_links)):
                # Of lines without a finder, only depth and hops of a seed can be said.
                yield RowLinks(finder or first, self._depths[finder], some, self._hops[finder])

    def _compare(self, line: int, entry: LogLine, edge: Edge, new: NewLine | None) -> None:
        """Compare a line with what became of its link now."""
        record = next(self._records, None)
        if new is None:
            reason = "" if isinstance(edge, int) else edge[0]
            is_refused = reason not in ("", "duplicate")
            kind, why = (REFUSED, f" ({reason})") if is_refused else (SAME_KEY, "")
            self._found.add(kind, f"line {line}{why}")
            return
        if (new.depth, new.hops) != (entry.depth, entry.hops):
            self._found.add(OTHER_DEPTH, f"line {line}")
        if new.is_foreign != entry.foreign:
            self._found.add(OTHER_HOME, f"line {line}")
        if new.record != record:
            self._found.add(OTHER_KEY, f"line {line}")

    def _compare_totals(self) -> None:
        counts = Counter(min(depth, MAX_DEPTHS) for depth in self._depths[1:])
        if counts != Counter(self.record.totals.lines):
            self._found.add(OTHER_COUNTS, "the count of lines by depth")


def _key_records(part: Part) -> Iterator[bytes]:
    """The record of each line in the files of keys. Raises DamageError."""
    names = (name for name in part.view.states if name.startswith(f"{FRONTIER_NAME}/"))
    for name in oldest_first(name for name in names if name.endswith(KEYS_SUFFIX)):
        state = part.view.states[name]
        with Committed(part.out / name, state.length) as file:
            while block := file.read(RECORD_BYTES * _AT_ONCE):
                yield from (
                    block[at : at + RECORD_BYTES] for at in range(0, len(block), RECORD_BYTES)
                )
            if not file.is_as(state.digest):
                raise DamageError(f"{part.out / name}: its bytes are not those that were committed")
