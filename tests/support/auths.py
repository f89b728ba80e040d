"""What a user would name in http.auth."""

from __future__ import annotations

from requests.auth import HTTPDigestAuth

from support.echo import PASSWORD, USER


def digest() -> HTTPDigestAuth:
    """Called anew for each request."""
    return HTTPDigestAuth(USER, PASSWORD)
