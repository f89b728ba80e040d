"""What the fetches of all lines of a worker share. The environment is never read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.cookies import file
from fetcher.fetch.header_text import parsed_header
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.interface import Crawling, Previous
from fetcher.fetch.transfer import redirects
from fetcher.fetch.unexpected import Defects
from fetcher.model import Task
from fetcher.settings.schema import Settings
from fetcher.web_urls import Target

if TYPE_CHECKING:
    from fetcher.fetch.http.log_in import LogIns
    from fetcher.fetch.robots import Robots

log = logging.getLogger(__name__)


class Shared:
    """The settings, connections and rules of a worker's fetches."""

    def __init__(self, settings: Settings, worker: str) -> None:
        http = settings.http
        self.settings = settings
        self.worker = worker
        self.transport = Connections(settings)
        self.memory = self.transport.memory
        self.clock = self.transport.clock
        self.keep = Keep.NOTHING
        self.defects = Defects(log)
        # Sent with each request: `headers` to hosts that the user has named, else the others.
        self.headers = tuple(map(parsed_header, http.headers))
        self.harmless_headers = redirects.headers_after(
            self.headers, same_origin=False, with_body=True
        )
        self.cookies = file.load(Path(http.cookies_file)) if http.cookies_file else None
        self.log_ins: LogIns | None = None
        if http.login:
            from fetcher.fetch.http.log_in import LogIns  # noqa: PLC0415

            self.log_ins = LogIns(http, self.transport, self.cookies)
        self.auth = None
        if http.auth:
            # requests is a third of what a worker would import.
            from fetcher.fetch.requests_compat.auth import Auth  # noqa: PLC0415

            self.auth = Auth(http.auth, self.transport)
        self._robots: Robots | None = None  # once they are needed
        self.previous_of: Callable[[Task], Previous | None] | None = None
        # The targets of URLs whose turn was asked for, and whose fetch has not begun.
        self.targets: dict[str, Target] = {}
        self.crawling = None

    @property
    def keep(self) -> Keep:
        """See fetcher.fetch.interface.Fetcher."""
        return self._keep

    @keep.setter
    def keep(self, keep: Keep) -> None:
        self._keep = keep
        # Read for each line, and enum flags are slow.
        self.keeps_any = bool(keep)
        self.keeps_body = Keep.BODY in keep
        self.keeps_wire = Keep.WIRE in keep
        # Time that rows and handlers take is our own delay, and not the server's. Where nothing is
        # kept, it is small.
        self.clock.watch_turns(is_on=self.keeps_any)

    @property
    def crawling(self) -> Crawling | None:
        """See fetcher.fetch.interface.Crawls."""
        return self._crawling

    @crawling.setter
    def crawling(self, crawling: Crawling | None) -> None:
        self._crawling = crawling
        polite = self.settings.polite
        obeys = polite.robots or (crawling is not None and crawling.obeys_robots)
        # Only the host turns of [polite] apply Crawl-delay.
        self.robots = self._known_robots() if obeys and polite.enabled else None

    def _known_robots(self) -> Robots:
        if self._robots is None:
            from fetcher.fetch.robots import Robots  # noqa: PLC0415 (takes time to load)

            settings = self.settings
            self._robots = Robots(settings.polite, settings.http.user_agent, self.transport)
        return self._robots
