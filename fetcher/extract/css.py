"""Reads the URLs of a style sheet: url(), and the strings of @import and image-set().

One pattern tokenises, as far as URLs need it. A URL in a comment, a string or
@namespace is not taken for a link.
https://www.w3.org/TR/css-syntax-3/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_DOUBLE: Final = r'"(?:[^"\\\n\r\f]++|\\[\s\S])*+"?+'
_SINGLE: Final = r"'(?:[^'\\\n\r\f]++|\\[\s\S])*+'?+"
_STRING: Final = rf"(?:{_DOUBLE}|{_SINGLE})"
_COMMENT: Final = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+"
_BARE: Final = r"(?:[^\"'()\\\s]++|\\[0-9A-Fa-f]{1,6}\s?+|\\[\s\S])++"
_SPACE: Final = rf"(?:\s++|{_COMMENT})*+"
_TOKEN: Final = re.compile(
    rf"{_COMMENT}"
    rf"|@namespace\b(?:[^;{{}}\"']++|{_STRING})*+"
    rf"|@import\b{_SPACE}(?P<imported>{_STRING})"
    rf"|\burl\(\s*+(?:(?P<quoted>{_STRING})|(?P<bare>{_BARE})\s*+(?:\)|\Z))"
    rf"|\bimage-set\((?P<images>(?:[^()\"']++|{_STRING}|\([^()]*+\))*+)"
    rf"|{_STRING}",
    re.IGNORECASE,
)
_IMAGE: Final = re.compile(
    rf"\burl\(\s*+(?P<bare>{_BARE})"
    rf"|\btype\([^()]*+\)|(?P<quoted>{_STRING})",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})(?:\r\n|\s)?|(\r\n|[\n\r\f])|([\s\S])|\Z)")


def urls_of(css: str, *, is_whole: bool = True) -> Iterator[str]:
    """The texts of the URLs, in order; without one at the end of a text that is not whole."""
    for token in _TOKEN.finditer(css):
        if not is_whole and token.end() == len(css):
            return
        if token["images"] is not None:
            for image in _IMAGE.finditer(token["images"]):
                yield from _text(image["quoted"] or image["bare"] or "")
        else:
            yield from _text(token["quoted"] or token["bare"] or token["imported"] or "")


def _text(token: str) -> Iterator[str]:
    """The text of a string with its quotes, or of a bare URL, if it is not empty."""
    if token[:1] in ("'", '"'):
        token = token[1:-1] if len(token) > 1 and token[-1] == token[0] else token[1:]
    if token:
        yield _ESCAPE.sub(_unescaped, token) if "\\" in token else token


def _unescaped(found: re.Match[str]) -> str:
    number, line_break, char = found.groups()
    if number is None:
        return "" if line_break else char or ""
    code = int(number, 16)
    is_char = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_char else "\ufffd"
