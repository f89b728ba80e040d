"""The fetcher of a worker: it begins the fetch of each line."""

from __future__ import annotations

from typing import Final

from fetcher import web_urls
from fetcher.fetch import urls
from fetcher.fetch.http.line_fetch import CurlFetch
from fetcher.fetch.http.shared import Shared
from fetcher.model import Task

_MOST_TARGETS: Final = 4096  # that are kept from a line's arrival to its fetch


class CurlFetcher(Shared):
    """See fetcher.fetch.interface.Fetcher."""

    def sitemaps_of(self, url: str) -> tuple[str, ...]:
        """See fetcher.fetch.interface.Crawls."""
        target = web_urls.written(url)
        if target is None or self.robots is None:
            return ()
        return self.robots.sitemaps(target)

    def lookups(self) -> dict[str, int]:
        return self.transport.lookups

    def turn_of(self, url: str) -> str:
        """See fetcher.fetch.interface.KnowsTurns."""
        try:
            target = urls.target_of(url, self.settings.http.max_url_bytes)
        except urls.NoUrlError:
            return ""
        if self.transport.refusal(target):
            return ""
        if self.robots is not None and self.robots.forbids(target):
            return ""
        if len(self.targets) >= _MOST_TARGETS:
            self.targets.clear()
        self.targets[url] = target
        return urls.key_of(target)

    def begin(self, task: Task) -> CurlFetch:
        return CurlFetch(self, task)
