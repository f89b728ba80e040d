"""Auth objects as a user would name them in http.auth."""

from __future__ import annotations

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

from support.echo import PASSWORD, USER


def digest() -> HTTPDigestAuth:
    """Called anew for each request."""
    return HTTPDigestAuth(USER, PASSWORD)


def none() -> None:
    """No credentials, as an auth object: the request goes through requests all the same."""


def broken() -> AuthBase:
    """An auth object with a defect: each request fails."""
    return _Broken()


class _Broken(AuthBase):
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        raise LookupError("there is no such token")


def basic() -> AuthBase:
    """Called anew for each request."""
    return HTTPBasicAuth(USER, PASSWORD)
