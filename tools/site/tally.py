"""What the site has been asked: the numbers that tests and benchmarks read.

Requests for the counters themselves are never counted, nor are the connections
that they come on.
"""

import json

MOST_HITS = 1_000_000
"""Targets counted one by one; those beyond are in `requests` only."""


class Tally:
    """The counters of one site; plain attributes, as the server counts on its fast path."""

    __slots__ = ("connections", "hits", "open", "peak_open", "requests")

    def __init__(self) -> None:
        self.open = 0
        self.reset()

    def reset(self) -> None:
        """Start anew; requests that are open now stay open."""
        self.hits: dict[bytes, int] = {}
        self.requests = 0
        self.connections = 0
        self.peak_open = self.open

    def count(self, target: bytes) -> None:
        """Count a request; one that is answered at once was open alone with those still open."""
        self.requests += 1
        if self.peak_open <= self.open:
            self.peak_open = self.open + 1
        hits = self.hits
        if target in hits:
            hits[target] += 1
        elif len(hits) < MOST_HITS:
            hits[target] = 1

    def opened(self) -> None:
        """The request just counted takes its time: it is open until its end is counted."""
        self.open += 1

    def closed(self) -> None:
        """A request that took its time is answered, or its client is gone."""
        self.open -= 1

    def hits_json(self) -> bytes:
        """Counts by request target, as JSON; bytes beyond ASCII are read as Latin-1."""
        return json.dumps({k.decode("latin-1"): v for k, v in self.hits.items()}).encode()

    def stats_json(self) -> bytes:
        """The totals as JSON."""
        names = ("requests", "open", "peak_open", "connections")
        return json.dumps({name: getattr(self, name) for name in names}).encode()
