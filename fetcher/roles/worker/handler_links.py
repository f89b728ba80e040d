"""Reads the links that a handler returns in a crawl: {"links": [...], "extra": ...}.

A link is a URL, or a dict with `url` and any of `priority`, `route`, `method`, `headers`, `body`
and `id`, as in a line of JSON Lines. A relative URL is one of the page. A wrong link is an error of
the handler, which names the link.
"""

from __future__ import annotations

from typing import Any, Final

from fetcher import web_urls
from fetcher.frontier.links import MAX_LINK_CHARS, Link, LinkRequest, Via, link_chars
from fetcher.input import request_fields
from fetcher.input.request_fields import LineError
from fetcher.settings.load import is_text

_LINKS: Final = "links"
_KEYS: Final = frozenset({_LINKS, "extra"})
_LINK_KEYS: Final = ("url", "priority", "route", "method", "headers", "body", "id")
_PRIORITIES: Final = range(-(1 << 31), 1 << 31)
_PLAIN: Final = LinkRequest()


def are_in(value: Any) -> bool:
    """Whether a handler's value has links."""
    return isinstance(value, dict) and _LINKS in value


def of(value: dict[str, Any], base: str) -> list[Link]:
    """The links of a handler's value, on a page at `base`. Raises ValueError or TypeError."""
    unknown = [key for key in value if key not in _KEYS]
    if unknown:
        raise ValueError(
            f"it returned links and {unknown[0]!r}; return {{'links': [...], 'extra': {{...}}}}"
        )
    links = value[_LINKS]
    if not isinstance(links, list | tuple):
        raise TypeError(f"links: is a {type(links).__name__}; return a list")
    return [_link(number, link, base) for number, link in enumerate(links)]


def _link(number: int, link: Any, base: str) -> Link:
    try:
        if isinstance(link, str):
            return _linked(_plain(link), base, 0, _PLAIN)
        if not isinstance(link, dict):
            raise LineError(f"is a {type(link).__name__}; give a URL or a dict")
        unknown = [key for key in link if key not in _LINK_KEYS]
        if unknown:
            raise LineError(f"{unknown[0]!r} is not a known key; use {', '.join(_LINK_KEYS)}")
        return _request(_plain(link), base)
    except LineError as error:
        raise ValueError(f"links[{number}]: {error}") from error


def _request(link: dict[str, Any], base: str) -> Link:
    given = {key: value for key, value in link.items() if value is not None}
    url = given.get("url")
    if not isinstance(url, str):
        raise LineError("url: must be a text")
    priority = given.get("priority", 0)
    if type(priority) is not int or priority not in _PRIORITIES:  # a bool is an int, too
        raise LineError("priority: must be a whole number of 32 bits")
    route = request_fields.route(given.get("route", ""))
    _require_text("route", route)
    method = request_fields.method(given.get("method", "GET"))
    headers = request_fields.headers(given.get("headers", []))
    for header, text in headers:
        _require_text(f"headers: {header}", text)
    name = request_fields.name(given["id"]) if "id" in given else None
    _require_text("id", str(name))
    request = LinkRequest(
        method,
        route,
        headers,
        _body(given.get("body"), method),
        name,
    )
    return _linked(url, base, priority, request)


def _plain(value: Any) -> Any:
    """The value in JSON's types and bytes, without subtypes, which the wire does not take.

    Texts of lxml and enums are subtypes. Whether a number lies in a range takes minutes with some.
    """
    match value:
        case str():
            plain: Any = str.__str__(value)  # the text itself, whatever the subtype prints
        case int() if not isinstance(value, bool):
            plain = int(value)
        case bytes():
            plain = bytes(value)
        case list() | tuple():
            plain = [_plain(item) for item in value]
        case dict():
            plain = {_plain(key): _plain(item) for key, item in value.items()}
        case _:
            plain = value
    return plain


def _body(body: Any, method: str) -> bytes | None:
    if body is None or isinstance(body, bytes):
        if body and method in request_fields.BODILESS:
            raise LineError(f'body: a {method} request has no body; give a method such as "POST"')
        return body or None
    if isinstance(body, str):
        _require_text("body", body)
    return request_fields.body(body, method)


def _linked(url: str, base: str, priority: int, request: LinkRequest) -> Link:
    # A text that is not a URL goes on as it is: the crawl refuses it, and counts it.
    resolved = web_urls.resolved(base, url.strip()) or url
    _require_text("url", resolved)
    link = Link(resolved, Via.HANDLER, "", priority, None if request == _PLAIN else request)
    if link_chars(link) > MAX_LINK_CHARS:
        raise LineError(
            f"has more than {MAX_LINK_CHARS // 1024} KB with its headers and body; make it shorter"
        )
    return link


def _require_text(key: str, text: str) -> None:
    if not is_text(text):
        raise LineError(f"{key}: holds half a character (a lone surrogate)")
