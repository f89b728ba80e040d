"""The page that a handler gets: the result, the body, and the answer as a requests.Response."""

from __future__ import annotations

import functools
import http.client

import requests
import webencodings
from msgspec.structs import replace

from fetcher.fetch.requests_compat.raw import decoded_response
from fetcher.fetch.transfer.message import NO_ANSWER
from fetcher.model import Result
from fetcher.rows.charsets import charset_of


class Page:
    """One finished line; `text` and `response` are made when they are first used."""

    def __init__(self, result: Result, body: bytes | None, method: str, route: str = "") -> None:
        self.result = result
        self.route = route  # in a crawl: the label that a handler gave the link to this page
        # Decoded (without gzip and the like); None if no complete body came.
        self.body = body
        self._method = method

    @functools.cached_property
    def text(self) -> str | None:
        """The body in the charset of its Content-Type, else UTF-8; invalid bytes are replaced."""
        if self.body is None:
            return None
        charset = webencodings.lookup(charset_of(self.result.content_type))
        return webencodings.decode(self.body, charset or webencodings.UTF8)[0]

    @functools.cached_property
    def response(self) -> requests.Response | None:
        """The last answer; None if no server answered.

        Its request has the last URL and the line's method; its headers are those of the row.
        """
        result = self.result
        if result.status is None:
            return None
        request = requests.PreparedRequest()
        request.method, request.url = self._method, result.final_url
        request.headers = requests.structures.CaseInsensitiveDict()
        answer = replace(
            NO_ANSWER,
            status=result.status,
            headers=result.headers,
            http_version=result.http_version,
        )
        reason = http.client.responses.get(result.status, "")
        return decoded_response(request, answer, reason, self.body or b"")
