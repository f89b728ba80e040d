"""The session of a log-in, as requests use it: its cookies and headers, and where they may go.

Cookies go by the cookie rules, headers to their own host or origin only. Both are chosen anew for
each hop of a redirect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fetcher.fetch.cookies.jar import Cookie, Cookies
from fetcher.protocol.login_messages import Secrets
from fetcher.web_urls import Target

_NOTHING: Final = Secrets()


class SiteSession:
    """A session. `generation`: see logins.session_broker; 0 before the first log-in.

    `cookies`: those of the file in http.cookies_file, and those of the log-in. `header_names`: of
    all its headers, in lower case.
    """

    def __init__(
        self, generation: int = 0, secrets: Secrets = _NOTHING, others: Iterable[Cookie] = ()
    ) -> None:
        self.generation = generation
        made = [
            Cookie(
                each.name,
                each.value,
                each.domain,
                each.is_host_only,
                each.path,
                each.is_secure,
                each.expires,
            )
            for each in secrets.cookies
        ]
        self.cookies = Cookies((*others, *made))
        self._own_cookies = Cookies(made)
        self._headers: dict[str, list[tuple[str, str]]] = {}
        for header in secrets.headers:
            self._headers.setdefault(header.place, []).append((header.name, header.value))
        self.header_names = frozenset(header.name.lower() for header in secrets.headers)

    def headers_for(self, target: Target) -> list[tuple[str, str]]:
        """The headers of the log-in for a request to this target."""
        if not self._headers:
            return []
        return [pair for place in _places(target) for pair in self._headers.get(place, ())]

    def covers(self, target: Target) -> bool:
        """Whether the log-in made a cookie or a header for the target's host, even an old one."""
        return any(self._own_cookies.of_host(target.host)) or bool(self.headers_for(target))


def _places(target: Target) -> Iterator[str]:
    """The names of a target's place in the headers of a log-in."""
    yield origin_of(target)
    if target.scheme == "https":  # a redirect to http must not take a secret along
        yield target.host


def origin_of(target: Target) -> str:
    """The origin as the place of a header, always with its port."""
    return f"{target.scheme}://{target.host}:{target.port}"
