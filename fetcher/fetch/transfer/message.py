"""A request, and the answer to it: plain data, without libcurl.

Headers and Locations hold wire text (see fetch.header_text): the bytes as they are sent.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fetcher.fetch.header_text import Headers


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request: method, URL, headers and body.

    `headers` are sent in their order, repeated names included. They replace those of the same names
    that are always sent.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What an exchange received. It stays valid when the exchange serves its next request."""

    status: int  # 0: no head was received
    headers: Headers
    content_type: str | None  # the last of several, as in a browser (Fetch, its MIME type)
    is_ascii: bool  # all of `headers`
    body_bytes: int  # decoded
    wire_bytes: int  # of the body, as received
    sha256: str  # of the decoded body
    is_whole: bool
    redirect_to: str  # the Location of a redirect; "" for any other answer
    remote_ip: str | None
    http_version: str | None
    phases_ms: tuple[float | None, float | None, float | None]  # connect, tls, first_byte


NO_ANSWER: Final = Answer(0, [], None, True, 0, 0, "", False, "", None, None, (None, None, None))
