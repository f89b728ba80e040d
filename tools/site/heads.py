"""Reading requests, and the few answers that repeat what the request said.

The fast path of the server reads the request line only; what is here is for
requests that carry more, and is lenient: nothing a client sends raises.
"""

import json
import re

from tools.site.answers import HTML, TEXT, Answer, head, page

_WANTS_CLOSE = re.compile(rb"\r\nconnection:[^\r\n]*\bclose\b")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?:\r\n|$)")
_TAGGED = b'<!doctype html><title>Tagged</title><a href="/page/1">a page</a>\n'
_ETAG = '"1"'
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked")


def wants_close(lowered: bytes) -> bool:
    """Whether a lower-case request head asks for `Connection: close`."""
    return _WANTS_CLOSE.search(lowered) is not None


def body_length(lowered: bytes) -> int | None:
    """Bytes of body after a lower-case request head; None if it is unknown."""
    if _CHUNKED.search(lowered):
        return None
    found = _LENGTH.search(lowered)
    return int(found.group(1)) if found else 0


def header_pairs(head: bytes) -> list[tuple[str, str]]:
    """The headers as received, in their order; lines without a colon are left out."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return [(name, value.strip()) for name, colon, value in pairs if colon]


def echo_headers(head: bytes) -> Answer:
    """JSON: `method`, `target`, `headers` by name as sent, and `pairs` in their order."""
    method, target, _version = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    pairs = header_pairs(head)
    headers: dict[str, str] = {}
    for name, value in pairs:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    said = {"method": method, "target": target, "headers": headers, "pairs": pairs}
    return page(200, json.dumps(said).encode(), "application/json")


def tagged(head_: bytes) -> Answer:
    """A page with an ETag; 304 without a body if the request has it already."""
    asked = {value for name, value in header_pairs(head_) if name.lower() == "if-none-match"}
    if _ETAG in asked:
        return Answer(head(304, [("ETag", _ETAG)]))
    return page(200, _TAGGED, HTML, [("ETag", _ETAG)])


def echo_cookie(head: bytes) -> Answer:
    """The Cookie header as text; empty when there is none."""
    values = [value for name, value in header_pairs(head) if name.lower() == "cookie"]
    return page(200, "; ".join(values).encode("latin-1"), TEXT)
