"""Reads sitemaps and feeds as a stream: XML, text, gzip; within limits.

XML is read by expat without declarations of its own, so no document can grow or open files. The
time and the memory that a document costs are bounded. What comes before a fault is kept.
https://www.sitemaps.org/protocol.html, RSS 0.9 to 2.0, RFC 4287 (Atom)
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final
from xml.parsers import expat

from fetcher.extract.found import Collector, Found
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import LINKS_PER_SITEMAP, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

MAX_BYTES: Final = 50 * 1024 * 1024  # unpacked: the limit of the protocol
MAX_DEPTH: Final = 64  # of elements; sitemaps have 4, feeds some more for their content
MAX_TEXT_CHARS: Final = 65_536  # of one URL, before it is judged
MAX_URLS: Final = 4 * LINKS_PER_SITEMAP  # looked at, repeated and invalid ones included
MAX_ELEMENTS: Final = 2_000_000
MAX_NAMES: Final = 1000  # of elements and attributes: expat remembers each of them
# Of a tag or comment. Older expats read one that is not complete again with each piece.
MAX_TOKEN_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 64 * 1024
_BEGIN_BYTES: Final = 1024
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS
_MARK: Final = b"\xef\xbb\xbf"
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_ROOTS: Final = frozenset({"urlset", "sitemapindex", "rss", "feed", "RDF"})
# Elements whose text is a URL, by parent.
_TEXTS: Final = {
    ("url", "loc"): Via.LISTED,
    ("sitemap", "loc"): Via.SITEMAP,
    ("item", "link"): Via.LISTED,
}
# Where an element has the URL in its attribute href, by parent.
_HREFS: Final = {("url", "link"): Via.ALTERNATE, ("entry", "link"): Via.LISTED}


class SitemapError(ValueError):
    """The rest of a sitemap cannot be read; the text says why."""


def read(pieces: Iterable[bytes], url: str, rules: CrawlRules) -> Found:
    """The links of the sitemap or feed at this http(s) URL."""
    collector = Collector(LINKS_PER_SITEMAP, rules.url_bytes, frozenset())
    resolver = Resolver(url)
    fault = ""
    try:
        _read(_unpacked(pieces), _Urls(resolver, collector))
    except SitemapError as error:
        fault = str(error)
    if not fault and Refusal.LINKS_PER_PAGE in collector.left_out:
        fault = f"only the first {LINKS_PER_SITEMAP} of its URLs were taken"
    return Found(
        links=collector.links, left_out=collector.left_out, is_cut=bool(fault), fault=fault
    )


def is_packed(body: bytes) -> bool:
    """Whether a sitemap is packed, so that it is much longer than it looks."""
    return body.startswith(_GZIP_MAGIC)


def _read(pieces: Iterator[bytes], urls: _Urls) -> None:
    first = next(pieces, b"").removeprefix(_MARK).lstrip()
    is_xml = first.startswith((b"<", *_WIDE_MARKS))
    reader = _Xml(urls) if is_xml else _Lines(urls)
    reader.feed(first)
    for piece in pieces:
        reader.feed(piece)
    reader.end()


class _Urls:
    """Resolves the texts of URLs, and collects the links."""

    def __init__(self, resolver: Resolver, collector: Collector) -> None:
        self._resolver = resolver
        self._collector = collector
        self._left = MAX_URLS

    def add(self, text: str, via: Via) -> None:
        self._left -= 1
        if self._left < 0:
            raise SitemapError(f"it lists more than {MAX_URLS} URLs")
        url = self._resolver.url(text)
        if url is not None:
            self._collector.add(url, via)


class _Lines:
    """One URL a line, in UTF-8."""

    def __init__(self, urls: _Urls) -> None:
        self._urls = urls
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line)
        if len(self._rest) > MAX_TEXT_CHARS:
            raise SitemapError("a line is too long for a URL")

    def end(self) -> None:
        self._line(self._rest)

    def _line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        # A relative text is not a URL here: the answer may be any text.
        if text.startswith(("http://", "https://")):
            self._urls.add(text, Via.LISTED)


class _Xml:
    """Sitemaps, indexes of sitemaps, RSS and Atom; namespaces are not checked."""

    def __init__(self, urls: _Urls) -> None:
        self._urls = urls
        self._names: list[str] = []  # of the open elements
        self._known: set[str] = set()  # names of elements and attributes
        self._elements = 0
        self._fed_bytes = 0
        self._text: list[str] | None = None  # of the element that holds a URL
        self._chars = 0
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, piece: bytes, is_last: bool = False) -> None:
        self._fed_bytes += len(piece)
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, LookupError, ValueError) as error:
            if isinstance(error, SitemapError):
                raise
            raise SitemapError(f"not well-formed XML: {error}") from error
        if self._fed_bytes - self._parser.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise SitemapError(f"a tag or comment is longer than {MAX_TOKEN_BYTES} bytes")

    def end(self) -> None:
        self.feed(b"", is_last=True)

    def _doctype(
        self, _name: str, _system: str | None, _public: str | None, has_declarations: bool
    ) -> None:
        if has_declarations:
            raise SitemapError("it declares entities or elements, which are not read")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count(name, attributes)
        name = name.rpartition(":")[2]
        if not self._names and name not in _ROOTS:
            raise SitemapError(f"neither a sitemap nor a feed: its first element is {name[:40]!r}")
        if len(self._names) >= MAX_DEPTH:
            raise SitemapError(f"elements are nested deeper than {MAX_DEPTH}")
        parent = self._names[-1] if self._names else ""
        self._names.append(name)
        if (parent, name) in _TEXTS:
            self._text, self._chars = [], 0
        via = _HREFS.get((parent, name))
        if via is not None and attributes.get("rel", "alternate") == "alternate":
            self._add(attributes.get("href", ""), via)

    def _count(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise SitemapError(f"it has more than {MAX_ELEMENTS} elements")
        known = self._known
        known.add(name)
        known.update(attributes)
        if len(known) > MAX_NAMES:
            raise SitemapError(f"it has more than {MAX_NAMES} names of elements and attributes")

    def _data(self, text: str) -> None:
        if self._text is None or self._chars > MAX_TEXT_CHARS:
            return
        self._text.append(text)
        self._chars += len(text)

    def _end(self, _: str) -> None:
        name = self._names.pop()
        if self._text is None or len(self._names) == 0:
            return
        via = _TEXTS.get((self._names[-1], name))
        if via is not None:
            self._add("".join(self._text), via)
            self._text = None

    def _add(self, text: str, via: Via) -> None:
        text = text.strip()
        if text:
            self._urls.add(text, via)


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of the sitemap, unpacked if they are gzip, up to MAX_BYTES."""
    left = MAX_BYTES
    for piece in _begun(_inflated(_begun(pieces))):
        yield piece[:left]
        left -= len(piece)
        if left < 0:
            raise SitemapError(f"longer than {MAX_BYTES} bytes")


def _begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes; the first piece is large enough to show what they are."""
    iterator = iter(pieces)
    first = b""
    while len(first) < _BEGIN_BYTES and (piece := next(iterator, None)) is not None:
        first += piece
    return chain((first,), iterator)


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    iterator = iter(pieces)
    first = next(iterator, b"")
    if first.startswith(_GZIP_MAGIC):
        yield from _members(chain((first,), iterator))
        return
    for piece in chain((first,), iterator):
        for start in range(0, len(piece), _PIECE_BYTES):
            yield piece[start : start + _PIECE_BYTES]


def _members(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip of any number of members; what follows them is ignored, as everybody does."""
    inflate = zlib.decompressobj(_GZIP)
    for piece in pieces:
        rest = piece
        while rest:
            if inflate.eof:
                if not rest.startswith(_GZIP_MAGIC):
                    return
                inflate = zlib.decompressobj(_GZIP)
            yield from _decompressed(inflate, rest)
            rest = inflate.unconsumed_tail or inflate.unused_data
    if not inflate.eof:
        raise SitemapError("its gzip data is cut")


def _decompressed(inflate: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    try:
        yield inflate.decompress(data, _PIECE_BYTES)
        # After a full piece, zlib may hold more output than it reports as unconsumed input.
        while not inflate.eof and not inflate.unconsumed_tail:
            held = inflate.decompress(b"", _PIECE_BYTES)
            if not held:
                return
            yield held
    except zlib.error as error:
        raise SitemapError(f"damaged gzip data: {error}") from error
