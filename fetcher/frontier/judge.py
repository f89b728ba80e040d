"""Judges links by their URLs and the rules: the same link gets the same verdict at any time.

Most links are in the standard's form and lead to a host of links before, so that a verdict on the
host is remembered, and few links are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from fetcher import web_urls
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.keys import host_numbers
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import (
    ASSETS,
    MAX_LINK_CHARS,
    FaultyRequest,
    Link,
    LinkRequest,
    Via,
    kind_number,
    link_chars,
)
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import Refusal
from fetcher.frontier.traps import Traps

_KNOWN_ORIGINS: Final = 1 << 16  # and those of one call
_PLAIN_REQUEST: Final = LinkRequest()
# The scope makes exceptions for these.
_EXCEPTIONS: Final = ASSETS | {Via.REDIRECT}
_EXCEPTION_KINDS: Final = bytes(map(kind_number, _EXCEPTIONS))

Verdict = int | Refusal  # the number of the link's host, or why it is refused


class Judged(NamedTuple):
    """The verdicts on some links."""

    verdicts: list[Verdict]
    origins: list[str]  # by web_urls.plain_origins
    texts: dict[int, str]  # the key texts that differ from what the worker said, by index


class _Host(NamedTuple):
    key: str  # in the form of Target.key
    number: int
    is_near: bool | None  # see scope.are_near


class Judge:
    """The rules of one crawl. All seeds must be in `scope` before the first link is judged."""

    def __init__(self, rules: CrawlRules, seed: int, scope: ScopeRules) -> None:
        self._rules = rules
        self._seed = seed
        self._scope = scope
        self._texts = KeyTexts(rules)
        self._max_bytes = rules.url_bytes
        self._traps = Traps(rules)
        self._max_slashes = self._traps.usual_slashes
        # By origin; "": there is none.
        self._hosts: dict[str, _Host | None] = {}
        # The verdict on most links to the host; None: each link is judged alone.
        self._usual: dict[str, Verdict | None] = {}

    def judge(self, links: LinkTable, urls: Sequence[str]) -> Judged:
        """Judge links as their worker sent them; `urls`: theirs."""
        if len(self._hosts) > _KNOWN_ORIGINS:
            self.forget_hosts()
        origins = web_urls.plain_origins(urls)
        self._know_hosts(origins)
        usual = list(map(self._usual.__getitem__, origins))
        unusual = self._unusual(links, urls, usual)
        verdicts = [Refusal.INVALID if each is None else each for each in usual]
        texts: dict[int, str] = {}
        for index in unusual:
            verdicts[index], text = self._alone(links[index], origins[index])
            key = links.rest[index].key if index in links.rest else ""
            if text is not None and text != (key or urls[index]):
                texts[index] = text
        return Judged(verdicts, origins, texts)

    def _unusual(
        self, links: LinkTable, urls: Sequence[str], usual: Sequence[Verdict | None]
    ) -> list[int]:
        """The links that must be judged alone."""
        # Local, because each link reads them.
        are_urls, max_bytes, max_slashes = self._texts.are_urls, self._max_bytes, self._max_slashes
        out_of_scope = Refusal.SCOPE
        if (
            are_urls
            and None not in usual
            and not links.rest
            and not links.has_any(_EXCEPTION_KINDS)
            and max(map(len, urls), default=0) <= max_bytes
        ):
            are_in_scope = out_of_scope not in usual
            if are_in_scope and max(map(str.count, urls, repeat("/")), default=0) <= max_slashes:
                return []
            return [
                index
                for index, (url, verdict) in enumerate(zip(urls, usual, strict=True))
                if verdict is not out_of_scope and url.count("/") > max_slashes
            ]
        return [
            index
            for index, (via, url, verdict) in enumerate(zip(links.vias(), urls, usual, strict=True))
            if verdict is None
            or via in _EXCEPTIONS
            or index in links.rest
            or len(url) > max_bytes
            or (verdict is not out_of_scope and url.count("/") > max_slashes)
            or not (are_urls or "?" not in url)
        ]

    def _alone(self, link: Link, origin: str) -> tuple[Verdict, str | None]:
        """The verdict on one link, and its key text if it has one; `origin`: if it is plain."""
        host, url = self._hosts[origin], link.url
        is_own_key = link.request is None and not link.key
        if host is not None and is_own_key and (self._texts.are_urls or "?" not in url):
            usual = self._usual[origin]
            if isinstance(usual, int) and link.via not in _EXCEPTIONS:
                return self._traps.refusal(url) or usual, url
            return self._verdict(url, host, link.via), url
        if link_chars(link) > MAX_LINK_CHARS:
            return Refusal.URL_BYTES, None
        text = self.text_of(link)
        if text is None:
            return Refusal.INVALID, None
        url = text.partition(" ")[0] if link.request is None else self._texts.of(url) or ""
        origin = web_urls.origin_of_written(url)
        self._know_hosts((origin,))
        host = self._hosts[origin]
        return self._verdict(url, host, link.via) if host else Refusal.INVALID, text

    def seeds(self, links: Sequence[Link]) -> tuple[list[str], list[str], list[str]]:
        """The key text, the host and the plain origin of each seed.

        A text that is not a URL has no host. A seed whose line is wrong has not the key of its URL.
        """
        origins = web_urls.plain_origins([link.url for link in links])
        texts, hosts = [], []
        for link, origin in zip(links, origins, strict=True):
            is_own = origin and link.request is None and self._texts.are_urls
            is_wrong = isinstance(link.request, FaultyRequest)
            text = link.url if is_own else None if is_wrong else self.text_of(link)
            texts.append(text or f"invalid {link.url}")
            hosts.append(web_urls.host_of_origin(origin) or web_urls.host_of(link.url))
        return texts, hosts, origins

    def forget_hosts(self) -> None:
        """Forget the verdicts on hosts, as the scope has changed."""
        self._hosts, self._usual = {}, {}

    def _know_hosts(self, origins: Iterable[str]) -> None:
        """Judge the hosts that are new."""
        new = set(origins) - self._usual.keys()
        if not new:
            return
        keys = [web_urls.host_of_origin(origin) for origin in new]
        near = self._scope.are_near(keys)
        numbers: list[int] = host_numbers(keys, self._seed).tolist()
        has_links, has_patterns = self._scope.has_links, self._scope.has_patterns
        for origin, key, number, is_near in zip(new, keys, numbers, near, strict=True):
            usual: Verdict | None = Refusal.SCOPE
            if not origin or is_near is None or (is_near and has_links and has_patterns):
                usual = None
            elif is_near and has_links:
                usual = number
            self._usual[origin] = usual
            self._hosts[origin] = _Host(key, number, is_near) if origin else None

    def text_of(self, link: Link) -> str | None:
        """The key text of a link; None if it is not an http(s) URL."""
        request = link.request or _PLAIN_REQUEST
        return self._texts.of(link.url, request.method, request.body)

    def _verdict(self, url: str, host: _Host, via: str) -> Verdict:
        """The verdict on a URL in the standard's form, without a fragment."""
        if len(url) > self._max_bytes:
            return Refusal.URL_BYTES
        refusal = self._scope.refusal(url, host.key, host.is_near, via)
        return refusal or self._traps.refusal(url) or host.number
