"""The caps on a decoded body, wherever it is decoded."""

from __future__ import annotations

from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.settings.schema import Http

_RATIO_FROM_BYTES: Final = 1024 * 1024  # smaller decoded bodies may have any ratio


def body_excess(http: Http) -> Failure:
    """The failure of a body with more bytes than http.max_body_bytes."""
    said = f"body larger than http.max_body_bytes ({http.max_body_bytes})"
    return Failure(ErrorKind.LARGE_BODY, said)


def ratio_excess(decoded_bytes: int, received_bytes: int, http: Http) -> Failure | None:
    """The failure of a body that unpacks to more than http.max_ratio allows; None for others."""
    if decoded_bytes <= _RATIO_FROM_BYTES or decoded_bytes <= received_bytes * http.max_ratio:
        return None
    said = f"unpacks to more than http.max_ratio ({http.max_ratio}) times its size"
    return Failure(ErrorKind.LARGE_RATIO, said)
