"""Decides whether a link lies where the seeds are.

The scope is relative to all seeds, so that it must know them before the first link is judged. http
and https, and a host with and without `www.`, are one place: half of all sites redirect from the
one to the other. An asset of a page in scope is in scope, wherever it lies. `deny` wins over all.

Pages decide where a crawl goes, so that what may be a secret in settings is sent to the hosts of
the seeds only, and never by http to one that a seed names by https. All other URLs are foreign.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from fetcher import web_urls
from fetcher.frontier.links import ASSETS
from fetcher.frontier.rules import CrawlRules, compiled
from fetcher.frontier.totals import Refusal

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_KNOWN_HOSTS: Final = 2048  # the list is asked once for most links


class ScopeRules:
    """The scope of one crawl."""

    def __init__(self, rules: CrawlRules) -> None:
        self._kind = rules.scope
        self._allow = compiled("allow", rules.allow)
        self._deny = compiled("deny", rules.deny)
        self._places: set[str] = set()
        self._prefixes: dict[str, set[str]] = {}  # by host
        self._homes: set[tuple[str, str]] = set()  # scheme and host of each seed

    def add_seed(self, url: str) -> None:
        """A seed in any spelling; a text that is not a URL widens nothing."""
        normal = web_urls.parsed(url)
        host = web_urls.host_of(normal) if normal else ""
        if not normal or not host:
            return
        self._places.add(self._place(host))
        self._homes.add((normal.partition(":")[0], host))
        path = web_urls.path_of(normal)
        folder = path[: path.rindex("/") + 1]
        self._prefixes.setdefault(_without_www(host), set()).add(folder)

    def is_foreign(self, url: str, host: str) -> bool:
        """Whether this URL, in the standard's form, is on no seed's host, or there without TLS."""
        scheme = url.partition(":")[0]
        is_home = (scheme, host) in self._homes
        return not is_home and (scheme != "https" or ("http", host) not in self._homes)

    def refusal(self, url: str, host: str, via: str) -> Refusal | None:
        """Why this URL, in the standard's form, is out of scope."""
        is_asset = via in ASSETS
        if not is_asset and not self._is_near(url, host, via):
            return Refusal.SCOPE
        if self._deny and self._deny.found_in(url):
            return Refusal.DENY
        is_allowed = is_asset or not self._allow or self._allow.found_in(url)
        return None if is_allowed else Refusal.ALLOW

    def _is_near(self, url: str, host: str, via: str) -> bool:
        if self._kind == "any":
            return True
        if self._kind == "prefix":
            folders = self._prefixes.get(_without_www(host), ())
            path = web_urls.path_of(url)
            return any(path.startswith(folder) for folder in folders)
        if self._kind == "page" and via != "redirect":
            return False
        return self._place(host) in self._places

    def _place(self, host: str) -> str:
        return registrable(host) if self._kind == "domain" else _without_www(host)


@functools.lru_cache(_KNOWN_HOSTS)
def registrable(host: str) -> str:
    """The part of a host's name that somebody registered; the host if there is none."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.startswith("[") or name.replace(".", "").isdigit():
        return name
    return _suffixes().privatesuffix(name) or name


def _without_www(host: str) -> str:
    return host.removeprefix("www.")


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes 30 ms, which most crawls do not need.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
