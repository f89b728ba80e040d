"""Makes the rules of a crawl from its settings."""

from __future__ import annotations

import msgspec

from fetcher.frontier.rules import CrawlRules
from fetcher.settings.schema import Settings


def rules_of(settings: Settings) -> CrawlRules:
    """The rules by which a crawl with these settings begins."""
    return CrawlRules(robots=settings.polite.robots, **msgspec.structs.asdict(settings.crawl))
