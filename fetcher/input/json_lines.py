"""Makes tasks of JSON lines: objects with `url`, and optional method, headers, body, id and route.

Every line gives exactly one task, and nothing is raised. An unknown key is a fault and is not
ignored, because it was meant to change the request.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.humanize import shortened
from fetcher.input import request_fields
from fetcher.input.request_fields import LineError
from fetcher.model import Task

KEYS: Final = ("url", "method", "headers", "body", "id", "route")
_KNOWN: Final = frozenset(KEYS)
_MAX_SHOWN: Final = 40  # characters of an unknown key
_decode: Final = msgspec.json.Decoder().decode


def task_of(line: int, text: str) -> Task:
    """The task of a line's text; without a usable `url`, the whole text stands for its URL."""
    try:
        value = _object(text)
        url = _url(value)
    except LineError as error:
        return Task(line, request_fields.raw(text), error.fault)
    if len(value) == 1:
        return Task(line, url)
    name = None
    try:
        name = request_fields.name(value["id"]) if value.get("id") is not None else None
        return _task_with(line, url, value, name)
    except LineError as error:
        return Task(line, url, error.fault, id=name)


def _object(text: str) -> dict[str, Any]:
    try:
        value = _decode(text)
    except RecursionError as error:
        raise LineError("not valid JSON: nested too deeply", ErrorKind.LINE_RECORD) from error
    except ValueError as error:  # msgspec.DecodeError and UnicodeDecodeError
        said = str(error).partition(" - at ")[0].removeprefix("JSON is malformed: ")
        raise LineError(f"not valid JSON: {said}", ErrorKind.LINE_RECORD) from error
    if not isinstance(value, dict):
        raise LineError('not a JSON object such as {"url": "http://…"}', ErrorKind.LINE_RECORD)
    return value


def _url(value: dict[str, Any]) -> str:
    url = value.get("url")
    if isinstance(url, str):
        return url.strip()
    said = "url: must be a text" if "url" in value else "url: the key is missing"
    raise LineError(said, ErrorKind.LINE_RECORD)


def _task_with(line: int, url: str, value: dict[str, Any], name: str | int | None) -> Task:
    unknown = next((key for key in value if key not in _KNOWN), None)
    if unknown is not None:
        raise LineError(
            f"{shortened(unknown, _MAX_SHOWN)!r} is not a known key; use {', '.join(KEYS)}"
        )
    given = {key: content for key, content in value.items() if content is not None}
    method = request_fields.method(given["method"]) if "method" in given else "GET"
    headers = request_fields.headers(given["headers"]) if "headers" in given else ()
    body = request_fields.body(given["body"], method) if "body" in given else None
    route = request_fields.route(given["route"]) if "route" in given else ""
    return Task(line, url, None, method, headers, body, name, route=route)
