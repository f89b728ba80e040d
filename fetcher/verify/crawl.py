"""Proves a crawl beyond its rows: its log, its links and, as far as bodies are kept, its pages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import msgspec

from fetcher.bitset import IdSet
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.errors import DamageError
from fetcher.frontier.rules import CrawlRules
from fetcher.model import Result
from fetcher.store.reader import Part
from fetcher.verify.crawl_links import LinksAudit
from fetcher.verify.crawl_log import LogAudit
from fetcher.verify.findings import Findings
from fetcher.verify.pages import PageAudit

NO_FINDER: Final = "was found on a line that has no row"


class CrawlProof(msgspec.Struct, frozen=True):
    """Counts of what an audit of a crawl has checked."""

    lines: int  # of the log, each judged again
    seeds: int  # of these
    links: int | None  # that were recorded; None: the crawl keeps none
    linking: int  # rows that have these links
    pages: int  # kept pages whose links were read again
    step: int  # of the lines, every n-th was looked at for that; 1: all
    no_pages: str  # why pages were not read again; "": they were
    not_in_log: tuple[str, ...] = ()  # what may still become lines


class CrawlAudit:
    """The checks of a crawl, around the one pass over its rows."""

    def __init__(
        self, part: Part, rules: CrawlRules, findings: Findings, sample_lines: int | None
    ) -> None:
        self._found = findings
        self._log = LogAudit(part, rules, findings)
        self._links = LinksAudit(part, rules, self._log, findings) if rules.keep_links else None
        self._no_pages = _why_not(part, rules)
        self._pages: PageAudit | None = None
        if not self._no_pages:
            self._pages = PageAudit(part, rules, findings, sample_lines)
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Check the log and the links."""
        self._log.run()
        if self._links is not None:
            self._links.run()
        if self._pages is not None:
            try:
                self._opened.enter_context(self._pages)
            except DamageError:  # LogAudit or LinksAudit has found it, too
                self._pages, self._no_pages = None, "the log or its links are damaged"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def check(self, result: Result) -> None:
        """Check a row."""
        if self._pages is not None:
            try:
                self._pages.check(result)
            except DamageError as error:
                self._found.add("damaged", str(error))

    def end(self, has_row: IdSet) -> CrawlProof:
        """Check what needs all rows; `has_row`: the lines that have one."""
        for line, finder in enumerate(self._log.finders):
            if finder and finder not in has_row:
                self._found.add(NO_FINDER, f"line {line}")
        return CrawlProof(
            lines=self._log.lines,
            seeds=self._log.record.seed_lines,
            links=None if self._links is None else self._links.links,
            linking=0 if self._links is None else self._links.pages,
            pages=0 if self._pages is None else self._pages.pages,
            step=1 if self._pages is None else self._pages.step,
            no_pages=self._no_pages,
            not_in_log=tuple(_not_in_log(self._log.record)),
        )


def _not_in_log(record: CrawlRecord) -> Iterator[str]:
    """What the crawl has still to take into its log, when all lines there may have rows."""
    if not record.has_all_seeds:
        yield "some seeds"
    if record.level.found_bytes or record.ready_lines < record.lines:
        yield "links of the last level"


def _why_not(part: Part, rules: CrawlRules) -> str:
    """Why the links of pages cannot be read again; "" if they can."""
    if not rules.keep_links:
        return "links are not kept"
    if not rules.page_links:
        return "links of pages are not followed"
    reasons = {
        "none": "bodies are not kept",
        "warc": "bodies are kept in WARC files, which are checked by their digests alone",
    }
    return reasons.get(part.manifest.output.bodies, "")
