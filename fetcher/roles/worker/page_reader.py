"""Reads what a page of a crawl links to, for the chunk that carries its row.

The worker sends all links, within the limits of the rules: the sink decides which become lines of
the crawl. Only complete answers are read. A page whose links cannot be read keeps its row, which
says so.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from fetcher import web_urls
from fetcher.extract import effort, page, sitemaps
from fetcher.extract.found import Found
from fetcher.fetch.interface import Crawling
from fetcher.fetch.unexpected import Defects, one_line
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.links import Link, LinkRequest, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal
from fetcher.model import Outcome, Result, Task
from fetcher.politeness.robots_rules import product_of
from fetcher.protocol import links as wire
from fetcher.roles.worker.long_pages import LongPages
from fetcher.roles.worker.redirect_request import request_after
from fetcher.settings.schema import Settings

log = logging.getLogger(__name__)

_MAX_LINK_BYTES: Final = wire.MAX_LINK_BYTES // 2  # of one row: others share its chunk
_OVERHEAD_BYTES: Final = 32  # of a link on the wire, at most, apart from its texts
_SEED: Final = frozenset({Via.SEED, Via.REDIRECT})
_USUAL: Final = "/sitemap.xml"  # where a sitemap is, unless robots.txt names some


class PageReader:
    """Reads the pages of one crawl."""

    def __init__(self, rules: CrawlRules, settings: Settings) -> None:
        self.rules = rules
        self.crawling = Crawling(self._is_same_page, obeys_robots=rules.robots)
        self._texts = KeyTexts(rules)
        self._agent = product_of(settings.http.user_agent).lower()
        self._may_take_bodies = settings.http.cross_origin_bodies
        self._defects = Defects(log)
        self._long_pages = LongPages()
        self.turn = self._long_pages.turn  # to read a long page

    def _is_same_page(self, url: str, other: str) -> bool:
        return self._texts.of(url) == self._texts.of(other)

    def proposes_sitemaps(self, result: Result, task: Task) -> bool:
        """Whether the row of a seed, or of what it redirects to, proposes its site's sitemaps."""
        found = task.found
        is_seed = found is not None and found.via in _SEED and found.depth == 0
        return (
            self.rules.sitemaps
            and is_seed
            and result.outcome in (Outcome.OK, Outcome.HTTP_ERROR)
            and result.location is UNSET
        )

    @staticmethod
    def sitemaps_of(url: str, named: Sequence[str]) -> list[str]:
        """The URLs of the sitemaps of a page's site; `named`: by its robots.txt."""
        found = (web_urls.resolved(url, text) for text in named or [_USUAL])
        return [each.partition("#")[0] for each in found if each and each.startswith("http")]

    def is_long(self, result: Result, task: Task, body: bytes | None) -> bool:
        """Whether the page of a line may take so long to read that `turn` is needed for it."""
        if not body or not _may_have_links(result):
            return False
        if effort.is_quick(body) and not sitemaps.is_packed(body):
            return False
        return page.is_read(result.content_type, _via_of(task, result), self.rules)

    def read(
        self, result: Result, task: Task, body: bytes | None, *, is_long: bool = False
    ) -> tuple[Result, Found]:
        """Read the page of a line; return the result with what it says of the page.

        `body`: None if it is not complete; `is_long`: the caller holds `turn`.
        """
        if not body or not _may_have_links(result):
            return result, Found()
        found = self._found(result, task, body, is_long)
        return _noted(result, found), found

    def pack(
        self,
        result: Result,
        task: Task,
        found: Found,
        sitemaps: Sequence[str] = (),
        handled: Sequence[Link] = (),
    ) -> bytes:
        """All links of a row, as they travel; b"": none.

        `found`: those of its page; `sitemaps`: URLs that the row proposes; `handled`: the links
        that the handler returned.
        """
        links = [*self._proposed(result, task, sitemaps), *handled]
        left_out: dict[Refusal, int] = {}
        if self.rules.page_links:
            if not links and self._texts.are_urls and self._are_few(found.links):
                # Nearly always, and most links of a crawl are sent here.
                is_empty = not (found.links or found.left_out)
                return b"" if is_empty else wire.encode_plain(found.links, found.left_out)
            links += [self._link(url, via) for url, via in found.links.items()]
            left_out |= found.left_out
        is_short = not handled and self._are_few(links)
        sent = links if is_short else list(_within(links, _MAX_LINK_BYTES))
        if len(sent) < len(links):
            surplus = left_out.get(Refusal.LINKS_PER_PAGE, 0) + len(links) - len(sent)
            left_out[Refusal.LINKS_PER_PAGE] = surplus
        if not sent and not left_out:
            return b""
        return wire.encode(wire.PageLinks(tuple(sent), left_out))

    def pack_again(
        self, result: Result, task: Task, links: Sequence[Link], sitemaps: Sequence[str]
    ) -> bytes:
        """All links of an unchanged page: those of the earlier crawl, and new sitemaps."""
        known = {link.url for link in links}
        new = [url for url in sitemaps if url not in known]
        return self.pack(result, task, Found(), new, links)

    def _are_few(self, links: Collection[object]) -> bool:
        """Whether the links are within the limit of a message, whatever their lengths."""
        most_bytes = 8 * self.rules.url_bytes + _OVERHEAD_BYTES
        return len(links) * most_bytes <= _MAX_LINK_BYTES

    def _found(self, result: Result, task: Task, body: bytes, is_long: bool) -> Found:
        read = functools.partial(
            page.read,
            body,
            result.final_url or result.url,
            self.rules,
            content_type=result.content_type,
            headers=result.headers,
            via=_via_of(task, result),
            agent=self._agent,
        )
        try:
            return self._long_pages.call(read) if is_long else read()
        # Whatever a page holds, its line gets its row, and the worker lives on.
        except Exception as error:
            self._defects.log("the links of line %d cannot be read", result.line)
            return Found(fault=one_line(error))

    def _proposed(self, result: Result, task: Task, sitemaps: Sequence[str]) -> Iterator[Link]:
        """The target of a redirect, and sitemaps."""
        if isinstance(result.location, str):
            request = request_after(result, task, may_take_body=self._may_take_bodies)
            yield self._link(result.location, Via.REDIRECT, request)
        for url in sitemaps:
            yield self._link(url, Via.SITEMAP)

    def _link(self, url: str, via: str, request: LinkRequest | None = None) -> Link:
        """A link to a URL in the standard's form."""
        if request is None:
            text = self._texts.of_normal(url)
        else:
            text = self._texts.of(url, request.method, request.body) or url
        return Link(url, via, "" if text == url else text, 0, request)


def _may_have_links(result: Result) -> bool:
    return result.outcome is Outcome.OK and result.location is UNSET


def _via_of(task: Task, result: Result) -> str:
    via = task.found.via if task.found is not None else Via.SEED
    return page.read_as(via, result.content_type, result.url)


def _noted(result: Result, found: Found) -> Result:
    if found.title is not None:
        result = replace(result, title=found.title)
    if found.fault:
        before = f"{result.error}; " if result.error else ""
        result = replace(result, error=f"{before}its links: {found.fault}")
    return result


def _within(links: Sequence[Link], max_bytes: int) -> Iterator[Link]:
    """The first of these links, up to `max_bytes` on the wire."""
    left_bytes = max_bytes
    for link in links:
        texts_bytes = _most_bytes(link.url) + _most_bytes(link.key)
        left_bytes -= texts_bytes + _OVERHEAD_BYTES + _request_bytes(link)
        if left_bytes < 0:
            return
        yield link


def _most_bytes(text: str) -> int:
    """A bound of the text's bytes in UTF-8; URLs in the standard's form are ASCII."""
    return len(text) if text.isascii() else 4 * len(text)


def _request_bytes(link: Link) -> int:
    request = link.request
    if request is None:
        return 0
    texts = sum(len(name) + len(value) for name, value in request.headers)
    return 4 * (texts + len(request.route)) + len(request.body or b"") + _OVERHEAD_BYTES
