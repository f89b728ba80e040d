"""Checks the kept links of a crawl: where they lead, and that one of them found each line."""

from __future__ import annotations

from collections import Counter
from typing import Final

from fetcher.bitset import IdSet
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.errors import DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.store.crawl_links import RowLinks, files_of, records_of
from fetcher.store.reader import Part
from fetcher.verify.crawl_log import DAMAGED, OTHER_COUNTS, LogAudit
from fetcher.verify.findings import Findings

NO_PAGE: Final = "links of a line that the log does not have"
NO_TARGET: Final = "a link to a line that the log does not have"
NOT_LINKED: Final = "no link of its finder leads to it"
TWICE: Final = "its links were recorded more than once"

# Workers count such links without sending them.
_ONLY_COUNTED: Final = (Refusal.NOFOLLOW, Refusal.URL_BYTES, Refusal.LINKS_PER_PAGE)
# Seeds are refused for these, too, and no page links to them.
_OF_SEEDS: Final = (Refusal.DUPLICATE, Refusal.PAGES, Refusal.PAGES_PER_HOST)


class LinksAudit:
    """The links of a crawl; `links` and `pages` count those that were read."""

    def __init__(self, part: Part, rules: CrawlRules, log: LogAudit, findings: Findings) -> None:
        self.links = 0
        self.pages = 0
        self._part = part
        self._log = log
        self._found = findings
        # A crawl by levels judges the links of a page in two steps.
        self._recorded = [IdSet() for _ in range(2 if rules.order == "levels" else 1)]
        self._linked = IdSet()
        self._refused: Counter[str] = Counter()

    def run(self) -> None:
        """Check all records; what is wrong goes to the findings."""
        for name in files_of(self._part):
            try:
                for record in records_of(self._part, name):
                    self._check(record)
            except DamageError as error:
                self._found.add(DAMAGED, str(error))
        for line in range(self._log.record.seed_lines + 1, self._log.lines + 1):
            if line not in self._linked:
                self._found.add(NOT_LINKED, f"line {line}")
        self._compare_totals(self._log.record)

    def _check(self, record: RowLinks) -> None:
        line, targets = record.line, record.to
        if not 1 <= line <= self._log.lines:
            self._found.add(NO_PAGE, f"line {line}")
            return
        self._note(line)
        finders, linked, lines = self._log.finders, self._linked, self._log.lines
        self.links += len(targets)
        for target in targets:
            if not isinstance(target, int):
                self._refused[target[0]] += 1
            elif not 1 <= target <= lines:
                self._found.add(NO_TARGET, f"line {line} (to {target})")
            elif finders[target] == line:
                linked.add(target)

    def _note(self, line: int) -> None:
        free = next((each for each in self._recorded if line not in each), None)
        if free is None:
            self._found.add(TWICE, f"line {line}")
            return
        self.pages += free is self._recorded[0]
        free.add(line)

    def _compare_totals(self, record: CrawlRecord) -> None:
        """Compare what the journal counted with the records, and with the seeds."""
        rest = Counter(record.totals.refused)
        rest.subtract(self._refused)
        counted = sum(rest.pop(reason.value, 0) for reason in _ONLY_COUNTED)
        of_seeds = sum(rest.pop(reason.value, 0) for reason in _OF_SEEDS)
        if any(rest.values()):
            reasons = ", ".join(sorted(reason for reason, count in rest.items() if count))
            self._found.add(OTHER_COUNTS, f"the count of refused links ({reasons})")
        if of_seeds != record.seeds - record.seed_lines:
            self._found.add(OTHER_COUNTS, "the count of refused seeds")
        if record.totals.links != record.seeds + self.links + counted:
            self._found.add(OTHER_COUNTS, "the count of links")
