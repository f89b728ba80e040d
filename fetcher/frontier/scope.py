"""Decides whether a link lies where the seeds are.

The scope is relative to all seeds, so that it must know them before the first link is judged. http
and https, and a host with and without `www.`, are one place: half of all sites redirect from the
one to the other. An asset of a page in scope is in scope, wherever it lies. `deny` wins over all.

Pages decide where a crawl goes, so that what may be a secret in settings is sent to the hosts of
the seeds only, and never by http to one that a seed names by https. All other URLs are foreign.

Seeds are kept only as numbers of 64 bits, which are hashes with a secret seed of the crawl: 13 to
16 bytes for each of a million hosts, domains or folders with seeds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from fetcher import web_urls
from fetcher.frontier.key_table import KeyTable
from fetcher.frontier.keys import NO_HOST, HostNumbers, host_numbers, without_schemes
from fetcher.frontier.links import ASSETS, Via
from fetcher.frontier.rules import CrawlRules, compiled
from fetcher.frontier.totals import Refusal

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_KNOWN_HOSTS: Final = 1 << 15  # the list is asked once for most links
_KNOWN_FOLDERS: Final = 1 << 14
_AT_ONCE: Final = 1 << 14  # seeds that are looked at together


class ScopeRules:
    """The scope of one crawl."""

    def __init__(self, rules: CrawlRules, seed: int) -> None:
        """`seed`: of the hashes; see frontier.keys."""
        self._kind = rules.scope
        self._seed = seed
        self._allow = compiled("allow", rules.allow)
        self._deny = compiled("deny", rules.deny)
        self._places = KeyTable(1)
        self._folders: dict[str, bool] = {}  # whether seeds lie in it or above it
        self._homes = KeyTable(1)  # the origins of seeds

    # -- the seeds -----------------------------------------------------------------------------

    @property
    def needs_urls(self) -> bool:
        """Whether seeds must come by `add_urls`; if not, their hosts are enough."""
        return self._kind in ("prefix", "domain")

    def add_hosts(self, numbers: HostNumbers) -> None:
        """Take the numbers of the hosts of some seeds."""
        if self._kind in ("page", "host"):
            self._add(numbers[numbers != NO_HOST])

    def add_urls(self, urls: Iterable[str]) -> None:
        """Take seeds in any spelling; a text that is not a URL widens nothing."""
        if self.needs_urls:
            rest = iter(urls)
            while some := list(islice(rest, _AT_ONCE)):
                self._add(host_numbers(self._names_of_seeds(some), self._seed))

    def add_homes(self, origins: HostNumbers) -> None:
        """Take the numbers of the origins of some seeds; see keys.with_schemes."""
        _add_new(self._homes, origins[origins != NO_HOST])

    def are_foreign(self, origins: HostNumbers) -> list[bool]:
        """Whether each is the origin of no seed, nor the same host with TLS in addition."""
        if len(origins) > 1 and (origins == origins[0]).all():  # as nearly always
            return self.are_foreign(origins[:1]) * len(origins)
        hosts = without_schemes(origins)
        is_home = self._homes.numbers_of(origins.reshape(-1, 1)) > 0
        is_home |= (self._homes.numbers_of(hosts.reshape(-1, 1)) > 0) & (origins != hosts)
        found: list[bool] = (~is_home).tolist()
        return found

    def _names_of_seeds(self, urls: list[str]) -> set[str]:
        """The numbers that are remembered of these seeds."""
        origins = web_urls.plain_origins(urls)
        for at, origin in enumerate(origins):
            if not origin:
                urls[at] = web_urls.parsed(urls[at]) or ""
                origins[at] = web_urls.origin_of_written(urls[at])
        hosts = {origin: web_urls.host_of_origin(origin) for origin in set(origins)}
        if self._kind == "domain":
            return {registrable(host) for host in hosts.values() if host}
        places = {origin: _without_www(host) for origin, host in hosts.items() if host}
        folders = {
            places[origin] + _folder_of(web_urls.path_of(url))
            for url, origin in zip(urls, origins, strict=True)
            if origin in places
        }
        return {*places.values(), *folders}

    def _add(self, numbers: HostNumbers) -> None:
        _add_new(self._places, numbers)
        self._folders.clear()

    # -- links ---------------------------------------------------------------------------------

    @property
    def has_links(self) -> bool:
        """Whether links that are neither redirects nor assets may be in scope."""
        return self._kind != "page"

    @property
    def has_patterns(self) -> bool:
        """Whether some URLs near a seed are refused."""
        return bool(self._allow or self._deny)

    def are_near(self, hosts: Sequence[str]) -> list[bool | None]:
        """Whether each host is near a seed; None: its paths decide."""
        if self._kind == "any":
            return [True] * len(hosts)
        names = [self._names_of(host) for host in hosts]
        numbers = host_numbers(chain.from_iterable(names), self._seed)
        found = iter(self._places.numbers_of(numbers.reshape(-1, 1)).tolist())
        near = [bool(one or other) for one, other in zip(found, found, strict=True)]
        return [None if each and self._kind == "prefix" else each for each in near]

    def _names_of(self, host: str) -> tuple[str, str]:
        """The names under which a seed's place may be known."""
        if self._kind == "domain":
            return (registrable(host),) * 2
        place = _without_www(host)
        if self._kind == "prefix":
            return place, place
        # The hosts of which this is the place.
        www = f"www.{place}"
        return (www if place.startswith("www.") else place), www

    def refusal(self, url: str, host: str, is_near: bool | None, via: str) -> Refusal | None:
        """Why this URL, in the standard's form, is out of scope; `is_near`: by `are_near`."""
        is_asset = via in ASSETS
        if not is_asset and not self._is_near(url, host, is_near, via):
            return Refusal.SCOPE
        if self._deny and self._deny.found_in(url):
            return Refusal.DENY
        is_allowed = is_asset or not self._allow or self._allow.found_in(url)
        return None if is_allowed else Refusal.ALLOW

    def _is_near(self, url: str, host: str, is_near: bool | None, via: str) -> bool:
        if not self.has_links and via != Via.REDIRECT:
            return False
        if is_near is None:
            return self._is_below(_without_www(host), _folder_of(web_urls.path_of(url)))
        return is_near

    def _is_below(self, place: str, folder: str) -> bool:
        """Whether a seed lies in this folder, or in one above it."""
        name = place + folder
        if name not in self._folders:
            if len(self._folders) >= _KNOWN_FOLDERS:
                self._folders.clear()
            ends = [at + 1 for at, char in enumerate(folder) if char == "/"]
            numbers = host_numbers((place + folder[:end] for end in ends), self._seed)
            self._folders[name] = bool(self._places.numbers_of(numbers.reshape(-1, 1)).any())
        return self._folders[name]


@functools.lru_cache(_KNOWN_HOSTS)
def registrable(host: str) -> str:
    """The part of a host's name that somebody registered; the host if there is none."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name.startswith("[") or name.replace(".", "").isdigit():
        return name
    return _suffixes().privatesuffix(name) or name


def _add_new(table: KeyTable, numbers: HostNumbers) -> None:
    new = np.unique(numbers).reshape(-1, 1)
    table.add(new[table.numbers_of(new) == 0])


def _folder_of(path: str) -> str:
    return path[: path.rindex("/") + 1]


def _without_www(host: str) -> str:
    return host.removeprefix("www.")


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes 30 ms, which most crawls do not need.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
