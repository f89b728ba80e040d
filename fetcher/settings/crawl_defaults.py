"""The defaults of a crawl that differ from those of a list."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.settings.load import Loaded

_ROBOTS = "polite.robots"


def of_crawl(loaded: Loaded) -> Loaded:
    """The settings for a crawl: it obeys robots.txt unless a setting says otherwise."""
    polite = loaded.settings.polite
    if _ROBOTS in loaded.origins or not polite.enabled:
        return loaded
    settings = replace(loaded.settings, polite=replace(polite, robots=True))
    return Loaded(settings, loaded.origins)
