"""Handlers of crawls that tests name in worker.handler."""

from __future__ import annotations

import json
from typing import Any

from fetcher.fetch.requests_compat.handler_page import Page


def people(page: Page) -> dict[str, Any] | None:
    """From a user's page to a profile and to the list of followers, and on to more users."""
    if page.body is None or not page.result.url.startswith("http"):
        return None
    name = page.result.url.rpartition("/")[2]
    if page.route == "followers":
        data = json.loads(page.body)
        links: list[Any] = [{"url": f"/users/{each}", "route": "user"} for each in data["names"]]
        if data["next"]:
            links.append({"url": data["next"], "route": "followers", "priority": -1})
        return {"links": links}
    return {
        "links": [{"url": f"/api/followers/{name}", "route": "followers", "id": name}],
        "extra": {"name": name, "route": page.route},
    }


def wrong(page: Page) -> dict[str, Any]:
    """A link that is none, on one page."""
    bad = page.result.url.endswith("/bad")
    return {"links": [{"url": 5}] if bad else ["/bad", "/good"]}


def has_links(page: Page) -> dict[str, Any]:
    """A value that means nothing in a list."""
    return {"links": ["/x"], "other": 1}


def posts(page: Page) -> dict[str, Any]:
    """Two different requests for one URL."""
    if page.result.depth:
        return {"extra": {"body": (page.text or "")[:40]}}
    return {"links": [{"url": "/api", "method": "POST", "body": text} for text in ("a", "b", "a")]}
