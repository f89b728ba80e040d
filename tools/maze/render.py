"""Writes links and pages in the many ways that browsers understand."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from tools.maze import graph

_ENTITY: Final = "\0"  # stands for "&#" until other ampersands are escaped

# None of these is a link: a crawler that requests /never/… has read them as one.
_NO_LINKS: Final = """
<!-- <a href="/never/comment">x</a> -->
<script>document.write('<a href="/never/script">x</a>');</script>
<style>a[href="/never/style"] {}</style>
<textarea><a href="/never/textarea">x</a></textarea>
<a href="javascript:go('/never/javascript')">x</a> <a href="mailto:never@maze.test">x</a>
<a href="data:text/html,<a href=/never/data>">x</a> <a name="never">x</a> <a href>x</a>
<a rel="noopener NoFollow" href="/never/nofollow">x</a>
<a title='<a href="/never/title">'>x</a>
"""


def page(origin: str, target: str, links: list[str], *, is_latin: bool) -> bytes:
    """An HTML document at `origin` + `target`; `links`: the request targets that it links to.

    `is_latin`: in windows-1252, which its <meta> says, rather than in UTF-8.
    """
    charset = "windows-1252" if is_latin else "utf-8"
    written = [_element(origin, target, link, is_latin=is_latin) for link in links]
    head = [text for text in written if text.startswith("<link")]
    body = [text for text in written if not text.startswith("<link")]
    half = len(body) // 2
    text = (
        f'<!DOCTYPE html>\n<html><head><meta charset="{charset}"><title>é {target}</title>'
        f"{''.join(head)}</head><body><p>caf\u00e9<div><ul>{''.join(body[:half])}"
        f"{_NO_LINKS}<b><i></b></i></p></ul>{''.join(body[half:])}"
    )
    return text.encode("cp1252" if is_latin else "utf-8")


def _element(origin: str, source: str, link: str, *, is_latin: bool) -> str:
    roll = graph.dice(source, link)
    href = _SPELLINGS[roll % len(_SPELLINGS)](origin, source, link)
    if is_latin:
        href = href.replace("%E9", "\u00e9")
    href = href.replace("&", "&amp;").replace(_ENTITY, "&#")
    return _ELEMENTS[roll // 64 % len(_ELEMENTS)].format(href)


_ELEMENTS: Final = (
    '<li><a href="{}">x</a>',
    '<a href="{}">x</a>',
    "<A HREF = '{}'>x</A>",
    '<a class="a" href="{}" href="/never/twice">x</a>',
    '<a/href="{}"/>x',
    '<a href="\n{}\t ">x</a>',
    '<area href="{}" alt=x>',
    '<iframe src="{}"></iframe>',
    '<link rel="next" href="{}">',
    '<div><a href="{}"><div>x</a>',
    '<table><a href="{}">x</a><tr>',
    '<svg><title>t</title></svg><a href="{}">x</a>',
)


def _whole(origin: str, _source: str, link: str) -> str:
    return origin + link


def _shouted(origin: str, _source: str, link: str) -> str:
    return origin.replace("http://", "HtTp://") + link


def _from_root(_origin: str, _source: str, link: str) -> str:
    return link


def _without_scheme(origin: str, _source: str, link: str) -> str:
    return origin.removeprefix("http:") + link


def _with_dots(_origin: str, _source: str, link: str) -> str:
    return f"/x/%2e%2E/./y/..{link}"


def _relative(_origin: str, source: str, link: str) -> str:
    folder = posixpath.dirname(source.partition("?")[0])
    path, mark, query = link.partition("?")
    return "./" + posixpath.relpath(path, folder) + mark + query


def _with_fragment(_origin: str, source: str, link: str) -> str:
    return f"{link}#{graph.dice(source)}/?x"


def _with_entities(_origin: str, _source: str, link: str) -> str:
    return link.replace("/", f"{_ENTITY}x2F;").replace("=", f"{_ENTITY}61;")


def _with_gaps(_origin: str, _source: str, link: str) -> str:
    return f" {link[:2]}\n\t{link[2:]}\r\n"


def _with_backslashes(_origin: str, _source: str, link: str) -> str:
    path, mark, query = link.partition("?")
    return path.replace("/", "\\") + mark + query


def _raw(_origin: str, _source: str, link: str) -> str:
    return link.replace("%C3%A9", "\u00e9").replace("%20", " ")


def _with_marked_query(_origin: str, _source: str, link: str) -> str:
    return quote(link, safe="/%?&=;.")


_SPELLINGS: Final[tuple[Callable[[str, str, str], str], ...]] = (
    _whole,
    _shouted,
    _from_root,
    _without_scheme,
    _with_dots,
    _relative,
    _with_fragment,
    _with_entities,
    _with_gaps,
    _with_backslashes,
    _raw,
    _with_marked_query,
)
