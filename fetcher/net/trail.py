"""What is known of an attempt so far, so that a failed one's row says how far it came."""

from __future__ import annotations

from fetcher.model import Timings
from fetcher.net.exchange import Answer


class Trail:
    """One attempt's hops and the last answer."""

    def __init__(self) -> None:
        self.hops: list[str] = []
        self.final_url: str | None = None
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.content_type: str | None = None
        self.body_bytes: int | None = None
        self.wire_bytes: int | None = None
        self.sha256: str | None = None
        self.remote_ip: str | None = None
        self.http_version: str | None = None
        self.dns_ms: float | None = None
        self.phases_ms: tuple[float | None, float | None, float | None] = (None, None, None)

    def note(self, url: str, answer: Answer) -> None:
        """How far the hop to `url` came."""
        self.phases_ms = answer.phases_ms
        if not answer.status:
            return
        self.final_url = url
        self.status = answer.status
        self.headers = answer.headers
        self.content_type = _content_type(answer.headers)
        self.sha256 = answer.sha256 if answer.is_whole else None
        self.remote_ip = answer.remote_ip
        self.http_version = answer.http_version
        # A redirect's body is nobody's: it is not even read to its end.
        self.body_bytes = None if answer.redirect_to else answer.body_bytes
        self.wire_bytes = None if answer.redirect_to else answer.wire_bytes

    def timings(self, total_ms: float) -> Timings:
        """The row's."""
        return Timings(self.dns_ms, *self.phases_ms, total_ms)


def _content_type(headers: list[tuple[str, str]]) -> str | None:
    for name, value in headers:
        if len(name) == 12 and name.lower() == "content-type":
            return value
    return None
