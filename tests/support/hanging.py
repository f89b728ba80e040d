"""A fetcher whose worker hangs on some pages of a crawl, as a parser might, in C code."""

from __future__ import annotations

import os
from typing import Any

from fetcher.extract import page
from fetcher.fetch.http.client import CurlFetcher
from fetcher.settings.schema import Settings
from support.deadly import hang

HANGS, DIES = b"<hang>", b"<die>"


def make(settings: Settings, worker: str) -> CurlFetcher:
    """Name it in worker.transport."""
    read = page.read

    def hanging(body: bytes, *arguments: Any, **named: Any) -> Any:
        if DIES in body:
            os.abort()
        if HANGS in body:
            hang()
        return read(body, *arguments, **named)

    page.read = hanging
    return CurlFetcher(settings, worker)
