"""Parses URLs by the WHATWG URL standard, as a browser does.

Pure. `ada_url` decides (https://url.spec.whatwg.org). One pattern recognises plain URLs, which the
standard leaves as they are, so most URLs never reach the library. All code takes a URL's host from
here. fetcher.fetch.urls refuses some URLs that the standard allows.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

SCHEMES: Final = ("http", "https")
MAX_HOST: Final = 253  # characters of a name that DNS can hold
PORTS: Final = {"http": 80, "https": 443}
MAX_PORT: Final = 65_535

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# A last label that begins with a digit may make the host an IPv4 address in an odd notation.
_LAST_LABEL: Final = r"[a-z_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_BYTE: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# A segment that begins like this may be a dot segment.
_DOT: Final = r"\.|%2[eE]"
NAME_CHAR: Final = r"A-Za-z0-9_~!$&'()*+,;=@|\[\]\-"  # of a segment, but for the two below
_CHAR: Final = rf".%{NAME_CHAR}"
_QUERY_CHAR: Final = r"!$-&(-9;=?-~"
# A query that the standard leaves as it is, and what may follow the first / of such a path.
PLAIN_QUERY: Final = rf"\?[:{_QUERY_CHAR}]++"
PLAIN_END: Final = rf"(?!{_DOT})[:{_CHAR}]*+(?:/(?!{_DOT})[:{_CHAR}]*+)*+(?:{PLAIN_QUERY})?+"
# The same without a colon: what stands before a colon may be a scheme.
PLAIN_END_OF_TEXT: Final = (
    rf"(?!{_DOT})[{_CHAR}]*+(?:/(?!{_DOT})[{_CHAR}]*+)*+(?:\?[{_QUERY_CHAR}]++)?+"
)
_PATH: Final = rf"/{PLAIN_END}"
_PLAIN_ORIGIN: Final = re.compile(
    rf"(https?)://({_BYTE}(?:\.{_BYTE}){{3}}|(?:{_LABEL}\.)*+{_LAST_LABEL})(?::([1-9][0-9]{{0,4}}))?"
)
_PLAIN_PATH: Final = re.compile(_PATH)
# A line with such a path, and all that comes before the path; any other line.
_LINE: Final = re.compile(rf"^(https?://[^/\n]++){_PATH}$|^.*$", re.MULTILINE)
_LINES: Final = re.compile(rf"(?:\nhttps?://[^/\n]++{_PATH})*+")  # lines with such paths alone
_AUTHORITY: Final = 8  # where the first / of a path may stand, at the earliest
_MAX_ORIGIN: Final = len("https://") + MAX_HOST + len(":65535")
_KNOWN_ORIGINS: Final = 2048  # most URLs have the origin of one that was seen shortly before
# The beginning of a URL as the library writes it.
_WRITTEN: Final = re.compile(r"(https?)://([^/:@\[]+|\[[0-9a-f:]+\])(?::([0-9]+))?/")
_DNS_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*+\.?")


class Target(NamedTuple):
    """The destination of a request."""

    url: str  # as it is sent, apart from the fragment
    scheme: str
    host: str  # ASCII, lower case, IPv6 without brackets
    port: int

    @property
    def key(self) -> str:
        """The host, IPv6 in brackets, with the port if it is unusual; `h.` and `h` are one host."""
        host = bracketed(self.host).removesuffix(".")
        return host if PORTS[self.scheme] == self.port else f"{host}:{self.port}"


_new: Final[Callable[[type[Target], tuple[str, str, str, int]], Target]] = tuple.__new__


def bracketed(host: str) -> str:
    """The host as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def plain(text: str) -> Target | None:
    """The target of a URL that the standard leaves as it is; None where the library must decide."""
    end = text.find("/", _AUTHORITY)
    if not 0 < end <= _MAX_ORIGIN:
        return None
    origin = _plain_origin(text[:end])
    if origin is None or _PLAIN_PATH.fullmatch(text, end) is None:
        return None
    scheme, host, port = origin
    return _new(Target, (text, scheme, host, port))


def is_plain(text: str) -> bool:
    """Whether the standard leaves this http(s) URL as it is; `plain` without the target."""
    end = text.find("/", _AUTHORITY)
    return (
        0 < end <= _MAX_ORIGIN
        and _plain_origin(text[:end]) is not None
        and _PLAIN_PATH.fullmatch(text, end) is not None
    )


def plain_origins(texts: Sequence[str]) -> list[str]:
    """All before the path of each URL that the standard leaves as it is; "" for other texts.

    As `plain` for each of them, but faster.
    """
    if not texts:
        return []
    joined = "\n".join(("", *texts))
    if joined.count("\n") != len(texts):  # one has a line feed
        targets = map(plain, texts)
        return [t.url[: t.url.index("/", _AUTHORITY)] if t else "" for t in targets]
    if origin := _origin_of_all(texts, joined):
        return [origin] * len(texts)
    found: list[str] = _LINE.findall(joined, 1)
    wrong = {origin for origin in set(found) if _plain_origin(origin) is None}
    if wrong - {""}:
        return ["" if origin in wrong else origin for origin in found]
    return found


def _origin_of_all(texts: Sequence[str], joined: str) -> str:
    """The origin of these texts, if they are plain URLs of one, as the links of most pages.

    `joined`: each after a line feed.
    """
    origin = texts[0][: max(texts[0].find("/", _AUTHORITY), 0)]
    is_plain_origin = bool(origin) and _plain_origin(origin) is not None
    are_of_it = is_plain_origin and joined.count(f"\n{origin}/") == len(texts)
    return origin if are_of_it and _LINES.fullmatch(joined) is not None else ""


@functools.lru_cache(_KNOWN_ORIGINS)
def _plain_origin(text: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a plain URL, of which `text` is all that comes before the path."""
    match = _PLAIN_ORIGIN.fullmatch(text)
    if match is None:
        return None
    scheme, host, number = match.groups()
    if len(host) > MAX_HOST or "xn--" in host:
        return None
    port = PORTS[scheme] if number is None else int(number)
    if port > MAX_PORT or (number is not None and port == PORTS[scheme]):
        return None
    return scheme, host, port


def is_plain_path(text: str) -> bool:
    """Whether the standard leaves this path, with or without a query, as it is."""
    return _PLAIN_PATH.fullmatch(text) is not None


def parsed(text: str) -> str | None:
    """The URL of any scheme in the standard's form; None if the text is not a URL."""
    try:
        return _library()[0](text)
    except ValueError:
        return None


def resolved(base: str, text: str) -> str | None:
    """The URL that this text means on a page at `base`; None if it is not a URL."""
    try:
        return _library()[1](base, text)
    except ValueError:
        return None


def written(url: str) -> Target | None:
    """The target of an http(s) URL in the standard's form; None if it has a user name."""
    match = _WRITTEN.match(url)
    if match is None:
        return None
    scheme, host, number = match.groups()
    return Target(url, scheme, host.strip("[]"), int(number) if number else PORTS[scheme])


def is_dns_name(host: str) -> bool:
    """Whether DNS can hold this name, in lower case, with or without a dot at its end."""
    return len(host.removesuffix(".")) <= MAX_HOST and _DNS_NAME.fullmatch(host) is not None


def host_of(text: str) -> str:
    """The host of a URL in the form of Target.key; "" if it is not an http(s) URL."""
    if is_plain(text):
        return host_of_written(text)
    url = parsed(text)
    target = written(url) if url else None
    return target.key if target else ""


def host_of_written(url: str) -> str:
    """As host_of, of an http(s) URL in the standard's form."""
    return _key_of_origin(origin_of_written(url))


def origin_of_written(url: str) -> str:
    """All before the path of an http(s) URL in the standard's form; "" if it has none."""
    end = url.find("/", _AUTHORITY)
    return url[:end] if 0 < end <= _MAX_ORIGIN else ""


@functools.lru_cache(_KNOWN_ORIGINS)
def _key_of_origin(origin: str) -> str:
    target = written(origin + "/")
    return target.key if target else ""


def host_of_origin(origin: str) -> str:
    """The same, given all that comes before the path; "" for an empty text."""
    host = origin.partition("//")[2]
    # Elsewhere than at the end of a name or in an IPv6 address, a plain origin has no such sign.
    return _key_of_origin(origin) if host.endswith(".") or ":" in host else host


def path_of(url: str) -> str:
    """The path of an http(s) URL in the standard's form, without its query and fragment."""
    return url[url.index("/", 8) :].partition("?")[0].partition("#")[0]


@functools.cache
def _library() -> tuple[Callable[[str], str], Callable[[str, str], str]]:
    # Commands whose URLs are all plain never load it.
    from ada_url import join_url, normalize_url  # noqa: PLC0415

    return normalize_url, join_url
