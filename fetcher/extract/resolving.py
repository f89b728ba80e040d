"""Turns the text of a link into the URL that a browser would fetch for it.

The URL standard decides (fetcher.web_urls). Most links are plain paths, which need not be parsed:
they are joined to the base as text.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes

from fetcher import web_urls

_QUERY_SAFE: Final = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"#<>'%")
_MOST_UP: Final = 64  # folders above a page that are remembered
# Whitespace that the URL standard removes.
_BREAKS: Final = re.compile(r"[\t\n\r]")
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


class Resolver:
    """Resolves the links of one page."""

    def __init__(self, base: str, encoding: str = "utf-8") -> None:
        """`base` is an http(s) URL in the standard's form; `encoding` is a codec's name."""
        self.base = base.partition("#")[0]
        self._encoding = None if encoding == "utf-8" else encoding
        path, _, _ = self.base.partition("?")
        self._path = path
        self._origin = path[: path.index("/", 8)]
        self._folders = [path[: path.rindex("/") + 1]]  # and those above it, as far as asked for

    def url(self, text: str) -> str | None:
        """The http(s) URL in the standard's form, without its fragment; None if it is another."""
        bare = text[: text.index("#")] if "#" in text else text
        first = bare[:1]
        if first == "/":
            if bare[1:2] != "/" and web_urls.is_plain_path(bare):
                return self._origin + bare
        elif first == "h" and web_urls.is_plain(bare):
            return bare
        elif first == "?":
            if web_urls.is_plain_path("/" + bare):
                return self._path + bare
        elif bare and ":" not in bare:
            up = 0
            while up <= _MOST_UP and bare.startswith("../", 3 * up):
                up += 1
            if up <= _MOST_UP and web_urls.is_plain_path("/" + bare[3 * up :]):
                return self._folder_above(up) + bare[3 * up :]
        return self._parsed(text)

    def _folder_above(self, up: int) -> str:
        """The folder that is so many levels above the page's; the one at the root has none."""
        folders = self._folders
        while up >= len(folders) and len(folders[-1]) > len(self._origin) + 1:
            folders.append(folders[-1][: folders[-1].rindex("/", 0, -1) + 1])
        return folders[min(up, len(folders) - 1)]

    def _parsed(self, text: str) -> str | None:
        if self._encoding is not None and not text.isascii():
            text = _in_encoding(text, self._encoding)
        url = web_urls.resolved(self.base, text)
        if url is None or not url.startswith(("http://", "https://")):
            return None
        return url.partition("#")[0]


def _in_encoding(text: str, encoding: str) -> str:
    """Percent-encode the query in the page's encoding, as the standard asks for."""
    head, mark, fragment = _BREAKS.sub("", text).partition("#")
    path, question, query = head.partition("?")
    encoded = _NON_ASCII.sub(lambda found: _encoded(found[0], encoding), query)
    return f"{path}{question}{encoded}{mark}{fragment}"


def _encoded(text: str, encoding: str) -> str:
    """A character that the encoding lacks becomes a reference: &#8364; with its signs encoded."""
    parts: list[str] = []
    for char in text:
        try:
            parts.append(quote_from_bytes(char.encode(encoding), _QUERY_SAFE))
        except UnicodeEncodeError:
            parts.append(f"%26%23{ord(char)}%3B")
    return "".join(parts)
