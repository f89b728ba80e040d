"""Judges links by their URLs and the rules: the same link gets the same verdict at any time.

Most links are in the standard's form and lead to a host of links before, so that a verdict on the
host is remembered, and few links are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fetcher import web_urls
from fetcher.frontier.keys import KeyTexts, host_numbers
from fetcher.frontier.links import (
    ASSETS,
    MAX_LINK_CHARS,
    Link,
    LinkRequest,
    Via,
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

Verdict = int | Refusal  # the number of the link's host, or why it is refused


class Judged(NamedTuple):
    """The verdicts on some links."""

    verdicts: list[Verdict]
    texts: dict[int, str]  # the key texts that differ from what the worker said, by index


class _Host(NamedTuple):
    key: str  # in the form of Target.key
    number: int
    is_near: bool | None  # see scope.are_near
    usual: Verdict | None  # on links without exceptions; None: their URLs decide


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
        self._hosts: dict[str, _Host | None] = {}  # by origin; "": there is none

    def judge(self, links: Sequence[Link]) -> Judged:
        """Judge links as their worker sent them."""
        if len(self._hosts) > _KNOWN_ORIGINS:
            self.forget_hosts()
        origins = web_urls.plain_origins([link.url for link in links])
        hosts = self._hosts_of(origins)
        verdicts: list[Verdict] = []
        texts: dict[int, str] = {}
        # Local, because each link reads them.
        are_urls, max_bytes, max_slashes = self._texts.are_urls, self._max_bytes, self._max_slashes
        for index, (link, origin) in enumerate(zip(links, origins, strict=True)):
            host, url = hosts[origin], link.url
            is_own_key = (are_urls or "?" not in url) and not link.key and link.request is None
            if host is None or not is_own_key:
                verdict, text = self._at_length(link)
                if text is not None and text != (link.key or url):
                    texts[index] = text
            elif link.via in _EXCEPTIONS or len(url) > max_bytes:
                verdict = self._verdict(url, host, link.via)
            elif host.usual is Refusal.SCOPE:
                verdict = Refusal.SCOPE
            elif host.usual is None:
                verdict = self._verdict(url, host, link.via)
            elif url.count("/") > max_slashes:
                verdict = self._traps.refusal(url) or host.usual
            else:
                verdict = host.usual
            verdicts.append(verdict)
        return Judged(verdicts, texts)

    def seeds(self, links: Sequence[Link]) -> tuple[list[str], list[str]]:
        """The key text and the host of each seed; a text that is not a URL has no host."""
        origins = web_urls.plain_origins([link.url for link in links])
        texts, hosts = [], []
        for link, origin in zip(links, origins, strict=True):
            is_own = origin and link.request is None and self._texts.are_urls
            texts.append(link.url if is_own else self.text_of(link) or f"invalid {link.url}")
            hosts.append(web_urls.host_of_origin(origin) or web_urls.host_of(link.url))
        return texts, hosts

    def forget_hosts(self) -> None:
        """Forget the verdicts on hosts, as the scope has changed."""
        self._hosts = {}

    def _hosts_of(self, origins: Iterable[str]) -> dict[str, _Host | None]:
        known = self._hosts
        if new := set(origins) - known.keys():
            keys = [web_urls.host_of_origin(origin) for origin in new]
            near = self._scope.are_near(keys)
            numbers: list[int] = host_numbers(keys, self._seed).tolist()
            for origin, key, number, is_near in zip(new, keys, numbers, near, strict=True):
                known[origin] = self._host(key, number, is_near) if origin else None
        return known

    def _host(self, key: str, number: int, is_near: bool | None) -> _Host:
        usual: Verdict | None = Refusal.SCOPE
        if is_near is not False and self._scope.has_links:
            usual = None if is_near is None or self._scope.has_patterns else number
        return _Host(key, number, is_near, usual)

    def _at_length(self, link: Link) -> tuple[Verdict, str | None]:
        """The verdict on any link, and its key text if it has one."""
        if link_chars(link) > MAX_LINK_CHARS:
            return Refusal.URL_BYTES, None
        text = self.text_of(link)
        if text is None:
            return Refusal.INVALID, None
        url = text.partition(" ")[0] if link.request is None else self._texts.of(link.url) or ""
        origin = url[: url.index("/", len("https://"))]
        host = self._hosts_of((origin,))[origin]
        assert host is not None
        return self._verdict(url, host, link.via), text

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
