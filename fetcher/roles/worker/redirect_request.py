"""Decides which request a crawl makes for the target of a redirect, as a line of its own.

Method, headers and body are kept as where the redirect is followed (fetch.transfer.redirects). The
id and the route of the line go with it, because the target stands for it.
"""

from __future__ import annotations

from fetcher import web_urls
from fetcher.fetch.transfer import redirects
from fetcher.frontier.links import LinkRequest
from fetcher.model import Result, Task


def request_after(result: Result, task: Task, *, may_take_body: bool) -> LinkRequest | None:
    """The request for `result.location`; None for a plain GET.

    `may_take_body`: whether another origin gets the request's body, too.
    """
    is_plain = task.method == "GET" and not task.headers and task.body is None
    if is_plain and task.id is None and not task.route:
        return None
    assert isinstance(result.location, str)
    status = result.status or 0
    same_origin = _origin(result.final_url or "") == _origin(result.location)
    with_body = redirects.keeps_body(status) and (same_origin or may_take_body)
    return LinkRequest(
        redirects.method_after(status, task.method),
        task.route,
        redirects.headers_after(task.headers, same_origin=same_origin, with_body=with_body),
        task.body if with_body else None,
        task.id,
    )


def _origin(url: str) -> tuple[str, str, int] | None:
    target = web_urls.written(url)
    return None if target is None else (target.scheme, target.host, target.port)
