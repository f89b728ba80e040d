"""Fetches URLs with the real fetch core, in a patched interpreter of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.http.client import CurlFetcher
from fetcher.model import Result, Task
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings
from support import forking, jobs


class Fetched:
    """Results by URL, in the order of their ends, and what it took."""

    def __init__(
        self,
        results: list[Result],
        log: str,
        base_bytes: int,
        peak_bytes: int,
        took_s: float,
        sent: dict[str, list[str]],
    ) -> None:
        self.results = results
        self.log = log  # what was written to stderr
        self.by_url = {result.url: result for result in results}
        self.base_bytes = base_bytes  # of memory, before the first fetch
        self.peak_bytes = peak_bytes
        self.took_s = took_s
        self.sent = sent  # requests by URL, as their captures have them


def fetch(
    urls: Sequence[str | dict[str, Any]],
    pool: int = 50,
    env: dict[str, str] | None = None,
    sections: dict[str, dict[str, Any]] | None = None,
    first: list[str] | None = None,
    files: int | None = None,
    method: str = "GET",
    capture: bool = False,
    row_s: float = 0.0,
    crawls: Literal["", "yes", "robots"] = "",
    **http: Any,
) -> Fetched:
    """Fetch these URLs, or requests, in a process of their own, with these settings of [http]
    and others.

    One attempt, and loopback is open, unless `sections` says otherwise. `first`: URLs that are
    fetched before the others, and whose results come first. `files`: that may be open. `method`: of
    all but `first`. `capture`: see `Fetched.sent`. `row_s`: how long a row is made, while its
    body is held. `crawls`: as lines of a crawl, which may obey robots.txt.
    """
    settings = {
        "http": http,
        "guard": {"allow": ["127.0.0.0/8", "::1/128"]},
        "retry": {"attempts": 1},
        **(sections or {}),
    }
    order = {
        "waves": [first or [], urls],
        "pool": pool,
        "settings": settings,
        "files": files,
        "method": method,
        "capture": capture,
        "row_s": row_s,
        "crawls": crawls,
    }
    done = forking.call(
        "support.fetching_main",
        stdin=json.dumps(order).encode(),
        environ={**jobs.ENV, **(env or {})},
        folder=jobs.ROOT,
    )
    log = done.stderr.decode()
    assert done.returncode == 0, log
    *rows, last = done.stdout.splitlines(keepends=True)
    facts = json.loads(last)
    return Fetched([jsonl.decode(row) for row in rows], log, **facts)


def fetch_here(
    settings: Settings, *urls: str, keep: Keep = Keep.NOTHING, **task: Any
) -> list[Result]:
    """Fetch these URLs one after the other in this process, which a test may have changed."""
    fetcher = CurlFetcher(settings, "test")
    fetcher.keep = keep
    results = []
    for number, url in enumerate(urls, 1):
        fetch = fetcher.begin(Task(number, url, **task))
        while fetch.result is None:
            fetch.step()
        fetch.release()
        results.append(fetch.result)
    return results
