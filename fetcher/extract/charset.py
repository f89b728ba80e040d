"""Finds the charset of a page as the HTML standard says, and decodes it.

A byte order mark wins, then Content-Type, then <meta> in the first 1024 bytes. A page that says
nothing is UTF-8 if it is valid UTF-8, which the standard allows to detect, else windows-1252.
https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
"""

from __future__ import annotations

import codecs
import functools
import re
from typing import Final

import webencodings

PRESCAN_BYTES: Final = 1024
UTF8: Final = "utf-8"
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
_FIRST_BYTES: Final = tuple(mark[:1] for mark, _ in _MARKS)
_KNOWN_LABELS: Final = 64  # of a crawl; most of its pages have the same
_HEADER: Final = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]{1,40})""", re.IGNORECASE)
_SPACE: Final = rb"[\t\n\f\r ]"
_VALUE: Final = rb"""(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)"""
_ATTRIBUTE: Final = re.compile(
    rb"[\s/]*+(=?[^\s/>=]++)(?:\s*+=\s*+(" + _VALUE + rb"))?+", re.DOTALL
)
# How most pages begin that name UTF-8; no tag before the <meta> hides anything.
_PLAIN_TAG: Final = rb"""(?:\s++[a-z:-]++(?:="[^"<>]*+"|='[^'<>]*+'|=[^\s"'<>=`]++)?+)*+\s*+>\s*+"""
_USUAL: Final = re.compile(
    rb"\s*+(?:<!doctype[^<>]*+>\s*+)?+(?:<html%s)?+(?:<head%s)?+"
    rb"<meta\s++charset=(?:\"utf-8\"|'utf-8'|utf-8[\s>])" % (_PLAIN_TAG, _PLAIN_TAG),
    re.IGNORECASE,
)
# What the prescan of the standard steps over or reads.
_PIECE: Final = re.compile(
    rb"<!--(?:-?>|.*?-->|.*)|<meta(?=[\s/])|</?[A-Za-z](?:[^\s/>]*+)|<[!/?][^>]*+", re.I | re.S
)
_CHARSET_RULE: Final = re.compile(rb'@charset "([^"\r\n]{1,40})";')
_CONTENT: Final = re.compile(rb"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.I)


def encoding_of_sheet(body: bytes, content_type: str | None) -> str:
    """The name of the codec for this style sheet: mark, Content-Type, @charset, UTF-8."""
    named = _named_outside(body, content_type)
    rule = _CHARSET_RULE.match(body)
    if named is None and rule is not None:
        named = _known(rule[1].decode("ascii", "replace"))
        return UTF8 if named is None or named.startswith("utf-16") else named
    return named or UTF8


def encoding_of(body: bytes, content_type: str | None, is_whole: bool = True) -> str:
    """The name of the codec for this page; of a page that is not whole, its end may be cut."""
    named = _named_outside(body, content_type)
    return named or _in_meta(body[:PRESCAN_BYTES]) or _detected(body, is_whole)


def decoded(body: bytes, encoding: str) -> str:
    """The page without a mark; what does not decode becomes U+FFFD."""
    return body.decode(encoding, "replace").removeprefix("\ufeff")


def _named_outside(body: bytes, content_type: str | None) -> str | None:
    """The codec that the byte order mark names, or else the Content-Type."""
    if body.startswith(_FIRST_BYTES):
        for mark, name in _MARKS:
            if body.startswith(mark):
                return name
    declared = _HEADER.search(content_type) if content_type and ";" in content_type else None
    return _known(declared[1]) if declared else None


@functools.lru_cache(_KNOWN_LABELS)
def _known(label: str) -> str | None:
    """The codec of a label of the standard."""
    found = webencodings.lookup(label)
    if found is None or found.name == "replacement":
        return None
    return _codec(found)


def _codec(found: webencodings.Encoding) -> str:
    if found.name == "x-user-defined":
        return "windows-1252"
    # The codecs for gbk and shift_jis know less than the standard's encodings of those names.
    wider = {"gbk": "gb18030", "shift_jis": "cp932", "big5": "big5hkscs", "euc-kr": "cp949"}
    return wider.get(found.name) or found.codec_info.name


def _in_meta(head: bytes) -> str | None:
    """The standard's prescan: the first <meta> that names a known charset."""
    if _USUAL.match(head) is not None:
        return UTF8
    if b"charset" not in head.lower():
        return None  # as of most pages that have none, without a look at their tags
    position = 0
    while (piece := _PIECE.search(head, position)) is not None:
        position = piece.end()
        is_tag = piece[0][1:2].isalpha() or (piece[0][1:2] == b"/" and piece[0][2:3].isalpha())
        if not is_tag:
            continue
        attributes: dict[bytes, bytes] = {}
        while (found := _ATTRIBUTE.match(head, position)) is not None and found.end() > position:
            position = found.end()
            attributes.setdefault(found[1].lower(), _unquoted(found[2] or b""))
        if piece[0].lower() == b"<meta":
            name = _of_meta(attributes)
            if name is not None:
                return UTF8 if name.startswith("utf-16") else name
    return None


def _unquoted(value: bytes) -> bytes:
    return value[1:-1] if value[:1] in (b"'", b'"') else value


def _of_meta(attributes: dict[bytes, bytes]) -> str | None:
    label = attributes.get(b"charset")
    if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        found = _CONTENT.search(attributes.get(b"content", b""))
        label = next((part for part in found.groups() if part is not None), None) if found else None
    return _known(label.decode("ascii", "replace")) if label else None


def _detected(body: bytes, is_whole: bool) -> str:
    if body.isascii():
        return UTF8
    try:
        codecs.getincrementaldecoder(UTF8)().decode(body, final=is_whole)
    except UnicodeDecodeError:
        return "windows-1252"
    return UTF8
