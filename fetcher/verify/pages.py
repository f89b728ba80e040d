"""Reads the links of kept pages again, and compares them with those that the crawl recorded.

Reading a page takes milliseconds, so that by default only every n-th line is read. Only complete
pages that the worker read are compared; a handler may add links of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final, Self

from msgspec import UNSET

from fetcher.extract import page
from fetcher.extract.found import Found
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.links import Via
from fetcher.frontier.rules import CrawlRules
from fetcher.input.log_lines import LogLine
from fetcher.model import Outcome, Result
from fetcher.politeness.robots_rules import product_of
from fetcher.protocol.links import MAX_LINK_BYTES
from fetcher.rows.body_names import parsed
from fetcher.rows.inline import body_of
from fetcher.settings.schema import Http
from fetcher.store.link_index import LinkIndex
from fetcher.store.log_index import LogIndex
from fetcher.store.reader import Part
from fetcher.verify.findings import Findings

MISSING: Final = "links of its kept page are missing among its links"
OTHER_KINDS: Final = "links of its kept page are recorded with other kinds"
SURPLUS: Final = "its links are not all on its kept page"
_LINK_BYTES: Final = 32  # a bound of a link on the wire, apart from 8 bytes a character
_SEED: Final = frozenset({Via.SEED, Via.REDIRECT})  # may propose sitemaps, which no page has


class PageAudit:
    """Compares pages, row by row; `pages` counts those that were read."""

    def __init__(
        self, part: Part, rules: CrawlRules, findings: Findings, sample_lines: int | None
    ) -> None:
        """`sample_lines`: about how many lines are compared; None: all."""
        self.pages = 0
        lines = 0 if part.view.crawl is None else part.view.crawl.lines
        self.step = 1 if sample_lines is None else max(lines // sample_lines, 1)
        self._part = part
        self._rules = rules
        self._found = findings
        self._texts = KeyTexts(rules)
        settings = part.manifest.settings
        agent = settings.get("http", {}).get("user_agent", Http().user_agent)
        self._agent = product_of(str(agent)).lower()
        self._is_handled = bool(settings.get("worker", {}).get("handler"))

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            self._log = opened.enter_context(LogIndex(self._part))
            self._links = opened.enter_context(LinkIndex(self._part, self._log.lines))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def check(self, result: Result) -> None:
        """Compare the page of a row, if it is one of the sample and was kept."""
        if result.line % self.step or not 1 <= result.line <= self._log.lines:
            return
        if result.outcome is not Outcome.OK or result.sha256 is None:
            return
        if result.location is not UNSET:  # its body was not read
            return
        body = self._body_of(result)
        if body:
            self._compare(result, body)

    def _body_of(self, result: Result) -> bytes | None:
        """The kept body; None if it was not kept. What is damaged, verify.bodies finds."""
        with contextlib.suppress(ValueError, OSError):
            if isinstance(result.body, str) and isinstance(result.body_is, str):
                return body_of(result.body, result.body_is, result.content_type)
            if isinstance(result.body_file, str) and (named := parsed(result.body_file)):
                return (self._part.out / named.path).read_bytes()
        return None

    def _compare(self, result: Result, body: bytes) -> None:
        entry = self._log.entry(result.line)
        found = self._read(result, entry, body)
        if found is None or _is_beyond_a_message(found):
            return
        self.pages += 1
        links = list(self._recorded(result.line))
        wanted = {self._texts.of_normal(url) for url in found.links}
        recorded = {text for text, _ in links}
        kinds = {(self._texts.of_normal(url), str(via)) for url, via in found.links.items()}
        # Those of a page that has not changed may be of an old crawl, which did not keep them.
        has_kinds = result.unchanged is not True and all(via for _, via in links)
        if has_kinds and not kinds <= set(links) and wanted <= recorded:
            self._found.add(OTHER_KINDS, f"line {result.line}")
        if not wanted <= recorded:
            self._found.add(MISSING, f"line {result.line}")
        proposes = self._rules.sitemaps and entry.depth == 0 and entry.via in _SEED
        if not (recorded <= wanted or proposes or self._is_handled):
            self._found.add(SURPLUS, f"line {result.line}")

    def _read(self, result: Result, entry: LogLine, body: bytes) -> Found | None:
        via = page.read_as(entry.via, result.content_type, result.url)
        with contextlib.suppress(Exception):  # then the worker had none of its links, too
            return page.read_answer(result, body, self._rules, via=via, agent=self._agent)
        return None

    def _recorded(self, line: int) -> Iterator[tuple[str, str | None]]:
        """The key text of each recorded link of a line, and its kind."""
        for target, via in self._links.of(line):
            if isinstance(target, int):
                entry = self._log.entry(target)
                yield self._texts.of(entry.url, entry.method, entry.body) or entry.url, via
            else:
                yield self._texts.of(target[1]) or target[1], via


def _is_beyond_a_message(found: Found) -> bool:
    """Whether the worker may have left links out because they are too long for one message."""
    link_bytes = sum(8 * len(url) + _LINK_BYTES for url in found.links)
    return link_bytes > MAX_LINK_BYTES // 2
