"""Reads what a page of a crawl links to, for the chunk that carries its row.

The worker sends all links, within the limits of the rules: the sink decides which become lines of
the crawl. Only complete answers are read. A page whose links cannot be read keeps its row, which
says so.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from gevent.lock import Semaphore

    from fetcher.roles.worker.lines import Line

log = logging.getLogger(__name__)

_MAX_LINK_BYTES: Final = wire.MAX_LINK_BYTES // 2  # of one row: others share its chunk
_OVERHEAD_BYTES: Final = 32  # of a link on the wire, at most, apart from its texts
_SEED: Final = frozenset({Via.SEED, Via.REDIRECT})
_OK: Final = Outcome.OK  # read for each page, and looked up slowly in an enum
_ANSWERED: Final = (Outcome.OK, Outcome.HTTP_ERROR)
_USUAL: Final = "/sitemap.xml"  # where a sitemap is, unless robots.txt names some


class PageReader:
    """Reads the pages of one crawl."""

    def __init__(
        self,
        rules: CrawlRules,
        settings: Settings,
        named_sitemaps: Callable[[str], Sequence[str]],
        wait_for: Callable[[Line, Semaphore], None],
    ) -> None:
        """`named_sitemaps`: those that the robots.txt of a URL's site names, as far as it is known.

        `wait_for` waits in a line's greenlet for the turn to read a long page.
        """
        self.rules = rules
        self.crawling = Crawling(self._is_same_page, obeys_robots=rules.robots)
        self._texts = KeyTexts(rules)
        self._agent = product_of(settings.http.user_agent).lower()
        self._may_take_bodies = settings.http.cross_origin_bodies
        self._defects = Defects(log)
        self._long_pages = LongPages()
        self._named_sitemaps = named_sitemaps
        self._wait_for = wait_for
        # So many links are within the limit of a message, whatever their lengths.
        self._few_links = _MAX_LINK_BYTES // (8 * rules.url_bytes + _OVERHEAD_BYTES)
        self._are_links_urls = rules.page_links and self._texts.are_urls

    def _is_same_page(self, url: str, other: str) -> bool:
        return self._texts.of(url) == self._texts.of(other)

    def read(self, result: Result, line: Line, body: bytes | None) -> tuple[Result, Found]:
        """Read the page of a line; return the result with what it says of the page.

        `body`: None if it is not complete. Waits for a turn if it may take long.
        """
        if not body or result.outcome is not _OK or result.location is not UNSET:
            return result, Found()
        led_by = Via.SEED if line.task.found is None else line.task.found.via
        via = page.read_as(led_by, result.content_type, result.url)
        is_quick = effort.is_quick(body) and not sitemaps.is_packed(body)
        try:
            if is_quick or not page.is_read(result.content_type, via, self.rules):
                found = self._found(result, body, via)
            else:
                found = self._found_in_thread(line, result, body, via)
        # Whatever a page holds, its line gets its row, and the worker lives on.
        except Exception as error:
            self._defects.log("the links of line %d cannot be read", result.line)
            found = Found(fault=one_line(error))
        if found.title is not None or found.fault:
            result = _noted(result, found)
        return result, found

    def pack(self, result: Result, task: Task, found: Found, handled: Sequence[Link] = ()) -> bytes:
        """All links of a row, as they travel; b"": none.

        `found`: those of its page; `handled`: those that the handler returned.
        """
        proposed = self._sitemaps_of(result, task)
        is_plain = self._are_links_urls and len(found.links) <= self._few_links
        if not is_plain or handled or proposed or result.location is not UNSET:
            return self._packed(result, task, found, proposed, handled)
        # Nearly always, and most links of a crawl are sent here.
        if not found.links and not found.left_out:
            return b""
        return wire.encode_plain(found.links, found.left_out)

    def pack_again(self, result: Result, task: Task, links: Sequence[Link]) -> bytes:
        """All links of an unchanged page: those of the earlier crawl, and new sitemaps."""
        known = {link.url for link in links}
        new = [url for url in self._sitemaps_of(result, task) if url not in known]
        return self._packed(result, task, Found(), new, links)

    def _packed(
        self,
        result: Result,
        task: Task,
        found: Found,
        proposed: Sequence[str],
        handled: Sequence[Link],
    ) -> bytes:
        links = [*self._proposed(result, task, proposed), *handled]
        left_out: dict[Refusal, int] = {}
        if self.rules.page_links:
            links += [self._link(url, via) for url, via in found.links.items()]
            left_out |= found.left_out
        is_short = not handled and len(links) <= self._few_links
        sent = links if is_short else list(_within(links, _MAX_LINK_BYTES))
        if len(sent) < len(links):
            surplus = left_out.get(Refusal.LINKS_PER_PAGE, 0) + len(links) - len(sent)
            left_out[Refusal.LINKS_PER_PAGE] = surplus
        if not sent and not left_out:
            return b""
        return wire.encode(wire.PageLinks(tuple(sent), left_out))

    def _found(self, result: Result, body: bytes, via: str) -> Found:
        return page.read_answer(result, body, self.rules, via=via, agent=self._agent)

    def _found_in_thread(self, line: Line, result: Result, body: bytes, via: str) -> Found:
        turn = self._long_pages.turn
        self._wait_for(line, turn)
        try:
            return self._long_pages.call(functools.partial(self._found, result, body, via))
        finally:
            turn.release()

    def _sitemaps_of(self, result: Result, task: Task) -> Sequence[str]:
        """The URLs of sitemaps that a row proposes: of a seed, or of what one redirects to."""
        found = task.found
        if not self.rules.sitemaps or found is None or found.depth or found.via not in _SEED:
            return ()
        if result.outcome not in _ANSWERED or result.location is not UNSET:
            return ()
        url = result.final_url or result.url
        links = (web_urls.resolved(url, text) for text in self._named_sitemaps(url) or [_USUAL])
        return [each.partition("#")[0] for each in links if each and each.startswith("http")]

    def _proposed(self, result: Result, task: Task, proposed: Sequence[str]) -> Iterator[Link]:
        """The target of a redirect, and sitemaps."""
        if isinstance(result.location, str):
            request = request_after(result, task, may_take_body=self._may_take_bodies)
            yield self._link(result.location, Via.REDIRECT, request)
        for url in proposed:
            yield self._link(url, Via.SITEMAP)

    def _link(self, url: str, via: str, request: LinkRequest | None = None) -> Link:
        """A link to a URL in the standard's form."""
        if request is None:
            text = self._texts.of_normal(url)
        else:
            text = self._texts.of(url, request.method, request.body) or url
        return Link(url, via, "" if text == url else text, 0, request)


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
