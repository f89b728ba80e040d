"""The links that the earlier crawl has recorded of a page, as links that a worker finds.

They come from the edges of that crawl, which name lines of its log or refused URLs. An edge of an
old crawl to a line does not say what kind of link it was. For the page that found a line first, the
line says it; for all others, a kind is taken that is judged alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from fetcher.errors import DamageError
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.links import FROM_SITEMAPS, Link, LinkRequest, Via
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.store import crawl_links
from fetcher.store.crawl_links import Target
from fetcher.store.parent_crawl import LINKS_NAMES, LOG_NAME
from fetcher.store.parent_index import ParentIndex
from fetcher.store.pieces import Pieces

_MOST_REMEMBERED: Final = 16_384  # lines: pages of one site link to the same few
_PLAIN: Final = LinkRequest()
# How a page came into the log, and never how another page links to it.
_ARRIVALS: Final = FROM_SITEMAPS | {Via.SEED, Via.REDIRECT}


class ParentLinks:
    """The links of any page of the earlier crawl. Raises DamageError."""

    def __init__(self, folder: Path, index: ParentIndex, texts: KeyTexts) -> None:
        self._texts = texts
        self._log = Pieces(folder / LOG_NAME, index.log)
        self._links = [Pieces(folder / name, index.links) for name in LINKS_NAMES]
        self._entry = lru_cache(_MOST_REMEMBERED)(self._read_entry)

    def close(self) -> None:
        for each in (self._log, *self._links):
            each.close()

    def of(self, line: int) -> list[Link]:
        """The links of the page on this line, in the order in which they were judged."""
        found = [each for pieces in self._links for each in _targets(pieces, line)]
        is_sitemap = self._is_sitemap(line, [target for target, _ in found])
        return [self._link(line, target, via, is_sitemap=is_sitemap) for target, via in found]

    def _is_sitemap(self, line: int, targets: list[Target]) -> bool:
        if self._entry(line).via == Via.SITEMAP:
            return True
        entries = (self._entry(target) for target in targets if isinstance(target, int))
        return any(entry.found_on == line and entry.via == Via.LISTED for entry in entries)

    def _link(self, line: int, target: Target, via: str | None, *, is_sitemap: bool) -> Link:
        if not isinstance(target, int):
            return self._made(target[1], target[2], 0, _PLAIN)
        entry = self._entry(target)
        request = LinkRequest(entry.method, entry.route, entry.headers, entry.body, entry.id)
        kind = via or kind_of(entry, line, is_sitemap=is_sitemap)
        return self._made(entry.url, kind, entry.priority, request)

    def _made(self, url: str, via: str, priority: int, request: LinkRequest) -> Link:
        text = self._texts.of(url, request.method, request.body) or url
        is_plain = request == _PLAIN
        return Link(url, via, "" if text == url else text, priority, None if is_plain else request)

    def _read_entry(self, line: int) -> LogLine:
        try:
            return log_lines.decode(self._log.of(line))
        except (ValueError, RecursionError) as error:
            raise DamageError(f"line {line} of the earlier log is damaged: {error}") from error


def _targets(pieces: Pieces, line: int) -> Iterator[tuple[Target, str | None]]:
    raw = pieces.of(line)
    if not raw:
        return
    try:
        record = crawl_links.decode(raw)
    except ValueError as error:
        raise DamageError(f"the links of line {line} are damaged: {error}") from error
    if record.line != line:
        raise DamageError(f"the record of links of line {line} names line {record.line}")
    yield from zip(record.to, record.vias(), strict=True)


def kind_of(entry: LogLine, line: int, *, is_sitemap: bool) -> str:
    """The kind of the link from the page on `line` to this line of the log."""
    if entry.found_on == line:
        return entry.via
    if is_sitemap:
        return Via.SITEMAP if entry.via == Via.SITEMAP else Via.LISTED
    return Via.A if entry.via in _ARRIVALS else entry.via
