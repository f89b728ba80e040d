"""Turns the text of a link into the URL that a browser would fetch for it.

The URL standard decides (fetcher.web_urls). Most links are plain paths, which need not be parsed:
they are joined to the base as text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes

from fetcher import web_urls

_QUERY_SAFE: Final = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"#<>'%")
_MOST_UP: Final = 64  # folders above a page that are counted here
# Whitespace that the URL standard removes.
_BREAKS: Final = re.compile(r"[\t\n\r]")
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
# The texts that are joined as they are, by their last group: a path from the root, one from a
# folder above the page, one from the page's folder, a query. What follows a # is left out.
_OTHER, _ROOT, _UP, _ABOVE, _BELOW, _QUERY = range(6)
_PLAIN: Final = re.compile(
    rf"(?:(/(?!/){web_urls.PLAIN_END})"
    rf"|((?:\.\./){{1,{_MOST_UP}}}+)({web_urls.PLAIN_END_OF_TEXT})"
    rf"|((?=[^/?#]){web_urls.PLAIN_END_OF_TEXT})"
    rf"|({web_urls.PLAIN_QUERY}))(?:#.*+)?+",
    re.DOTALL,
)
# Texts of which most links are, one a line: a path from the root, from a folder above, or from the
# page's folder. All of a page are recognised at once, by memory that the processor has at hand.
_USUAL: Final = re.compile(
    rf"^((?:/(?!/)|(?:\.\./){{0,{_MOST_UP}}}+(?![/?#\n])){web_urls.PLAIN_END_OF_TEXT})$|^.*$",
    re.MULTILINE,
)
_FOLDER_UP: Final = "../"
_MARK_UP: Final = f"\n{_FOLDER_UP}"  # where each text stands after a line feed
_ABSOLUTE: Final = ("https://", "http://")
# Nearly all links of many pages are such paths without a % or a query, and at most one folder up.
# A few searches of all texts of a page tell it of all of them.
_SIMPLE: Final = re.compile(rf"[./{web_urls.NAME_CHAR}]")
_SIMPLE_BYTES: Final = bytes(code for code in range(128) if _SIMPLE.match(chr(code)))
# Pages of a site link to the same pages: of such texts the group, the ../ and what follows them.
_Form = tuple[int, str, str]
_forms: Final[dict[str, _Form]] = {}
_MOST_FORMS: Final = 1 << 15  # of this process: 15 MB at most
_KNOWN_FOLDERS: Final = 256  # of the pages that are read; most share theirs with others
_MOST_CHARS: Final = 100  # of a text that is remembered


def _form_of(text: str) -> _Form:
    match = _PLAIN.fullmatch(text)
    group = match.lastindex if match is not None else None
    form = (
        (_OTHER, "", "")
        if match is None or group is None
        else (group, match[_UP] or "", match[group])
    )
    if len(text) <= _MOST_CHARS:
        if len(_forms) >= _MOST_FORMS:
            _forms.clear()
        _forms[text] = form
    return form


@functools.lru_cache(_KNOWN_FOLDERS)
def _places_of(folder: str) -> tuple[str, str]:
    """The origin of a folder, and the folder above it."""
    return folder[: folder.index("/", len("https://"))], _folder_above(folder, 1)


@functools.lru_cache(_KNOWN_FOLDERS)
def _folder_above(folder: str, times: int) -> str:
    """The folder so many times above this one; the root has none above it."""
    root = folder.index("/", len("https://")) + 1
    for _ in range(times):
        if len(folder) == root:
            break
        folder = folder[: folder.rindex("/", 0, -1) + 1]
    return folder


class Resolver:
    """Resolves the links of one page."""

    def __init__(self, base: str, encoding: str = "utf-8") -> None:
        """`base` is an http(s) URL in the standard's form; `encoding` is a codec's name."""
        self.base = base.partition("#")[0]
        self._encoding = None if encoding == "utf-8" else encoding
        self._path = path = self.base.partition("?")[0]
        self._folder = folder = path[: path.rindex("/") + 1]
        self._origin, self._above = _places_of(folder)

    def url(self, text: str) -> str | None:
        """The http(s) URL in the standard's form, without its fragment; None if it is another."""
        return self.urls((text,))[0]

    def urls(self, texts: Iterable[str]) -> list[str | None]:
        """As `url`, for many texts: faster, as this takes most of the time of a page's links."""
        all_texts = list(texts)
        joined = "\n".join(("", *all_texts))
        simple = self._of_simple(joined, len(all_texts))
        if simple is not None:
            return simple
        if joined.count("\n") != len(all_texts):  # a text has a line feed
            return [self._of_any(text) for text in all_texts]
        origin, folder, above = self._origin, self._folder, self._above
        other, from_above = self._of_any, self._from_above
        return [
            other(text)
            if not path
            else folder + path
            if path[0] not in "/."
            else origin + path
            if path[0] == "/"
            else above + path[3:]
            if path[3:4] != "."
            else from_above(path)
            for text, path in zip(all_texts, _USUAL.findall(joined, 1), strict=True)
        ]

    def simple_text(self, texts: list[str]) -> tuple[str, int] | None:
        """The URLs of different texts, with a line feed after each, and a bound of their lengths.

        None unless the texts are simple paths from one place: then the URLs differ, too.
        """
        joined, count = "\n".join(("", *texts)), len(texts)
        from_above = joined.count(_MARK_UP)
        if not _are_simple(joined, count, from_above):
            return None
        if from_above == count:
            urls = joined.replace(_MARK_UP, f"\n{self._above}")
        elif from_above:
            return None
        elif "\n/" not in joined:
            urls = joined.replace("\n", f"\n{self._folder}")
        elif joined.count("\n/") == count:
            urls = joined.replace("\n", f"\n{self._origin}")
        else:
            return None
        return f"{urls[1:]}\n", len(self._folder) + max(map(len, texts), default=0)

    def _of_simple(self, joined: str, count: int) -> list[str | None] | None:
        if not _are_simple(joined, count, joined.count(_MARK_UP)):
            return None
        # Neither a text nor the base has a space: one marks the beginning of a URL that is made.
        urls = joined.replace(_MARK_UP, f" {self._above}")
        if "\n" in urls:
            urls = urls.replace("\n/", f" {self._origin}/").replace("\n", f" {self._folder}")
        return [*urls.split(" ")[1:]]

    def _from_above(self, text: str) -> str:
        end = len(_FOLDER_UP)
        while text.startswith(_FOLDER_UP, end):
            end += len(_FOLDER_UP)
        return _folder_above(self._folder, end // len(_FOLDER_UP)) + text[end:]

    def _of_any(self, text: str) -> str | None:
        if text.startswith(_ABSOLUTE):
            return self._of_other(text)
        kind, up, rest = _forms.get(text) or _form_of(text)
        if kind == _BELOW:
            return self._folder + rest
        if kind == _ABOVE:
            return _folder_above(self._folder, len(up) // len(_FOLDER_UP)) + rest
        if kind == _ROOT:
            return self._origin + rest
        if kind == _QUERY:
            return self._path + rest
        return self._of_other(text)

    def _of_other(self, text: str) -> str | None:
        if text[:1] == "h":
            bare = text.partition("#")[0]
            if web_urls.is_plain(bare):
                return bare
        return self._parsed(text)

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


def _are_simple(joined: str, count: int, from_above: int) -> bool:
    """Whether texts are paths of plain characters, from the root, the folder or that above it.

    `joined`: each of the `count` texts after a line feed; a text may be empty. `from_above`: how
    many begin with ../
    """
    return (
        joined.isascii()
        and joined.encode().translate(None, _SIMPLE_BYTES) == b"\n" * count
        # No segment is . or .. but for a text's first.
        and "/." not in joined
        and (
            from_above == count  # as on many pages
            # None is empty or begins with a host; each first dot is that of a ../
            or (
                "\n\n" not in joined + "\n"
                and "\n//" not in joined
                and joined.count("\n.") == from_above
            )
        )
    )
