"""Elements that are found without a tree are those of the tree, in its order."""

from __future__ import annotations

import random
import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from fetcher.extract import html, plain_markup
from fetcher.extract.plain_markup import Element
from fetcher.frontier.rules import CrawlRules

_SELECTOR = "a,area,iframe,frame,link,meta,base"
_NAMES = re.findall(
    r"\w+",
    " p div span li ul b i em table tr td th tbody thead caption col colgroup h1 a a a button "
    "form select option svg g path title style script noscript iframe link meta area textarea "
    "br img object marquee nobr dl dd dt pre template base frame math body html head "
    "foreignObject ",
)
_ATTRIBUTES = (
    *('href="/{n}"', "href='/{n}'", "href=/{n}", 'HREF="/{n}"', 'href="#{n}"', 'href="?a=1&b={n}"'),
    *('href="/?a&amp;b={n}"', 'href="/?a&copy;{n}"', "href", 'href=""', 'rel="nofollow"', "rel=x"),
    *('class="a b"', "hidden", 'title="a > b"', 'title="<a href=/{n}>"', 'name="robots"', "a=b/"),
)
_TEXTS = ("text", " ", "\n", "a < b", "a > b", "&amp;", "--", "\r", "\0", "é")
_OTHERS = (
    *("<!-- <a href=/c> -->", "<!--->", "<!-- x --!> y -->", "<![CDATA[ <a href=/d> ]]>", "<?x?>"),
    *("<script>if (a<b) x='<a href=/e>'</script>", "<script><!-- <script> --></script>"),
    *("<title>a & b</title>", "<style>a > b</style>", "<textarea><a href=/f></textarea>"),
    *(
        '<svg viewBox="0"><linearGradient/><a xlink:href="/g"></a></svg>',
        "<svg><script><a href=/h>",
    ),
    *("<table><tr><td>", "</td></tr></table>", "<tr><a href=/i>", "</a></p>", "<a/href=/j>"),
    *("<select><option>x</option></select>", '<a class="k" href="/k" target=_blank>k</a>'),
)


def _in_tree(page: str) -> list[Element]:
    nodes = LexborHTMLParser(page.encode()).css(_SELECTOR)
    return [Element(node.tag or "", dict(node.attributes)) for node in nodes]


def _links(elements: list[str | Element]) -> list[str]:
    """What is read of them, each once, as the tree may have copies of an <a>."""
    found: dict[str, None] = {}
    for each in elements:
        element = Element("a", {"href": each}) if isinstance(each, str) else each
        tag, attributes = element
        if tag == "a":
            href, rel = attributes.get("href"), attributes.get("rel")
            if href:
                found[f"a {href!r} {rel}"] = None
        else:
            found[f"{tag} {sorted(attributes.items(), key=str)} {len(found)}"] = None
    return list(found)


def _page(dice: random.Random) -> str:
    parts = ["<!DOCTYPE html>"] if dice.random() < 0.5 else []
    for number in range(dice.randrange(1, 30)):
        kind = dice.random()
        if kind < 0.5:
            name = dice.choice(_NAMES)
            some = dice.choices(_ATTRIBUTES, k=dice.choice((0, 0, 1, 1, 2)))
            words = " ".join([name, *(each.replace("{n}", str(number)) for each in some)])
            parts.append(f"<{words}>{'x' * dice.randrange(2)}")
            if dice.random() < 0.7:
                parts.append(f"</{name}>")
        elif kind < 0.65:
            parts.append(f"</{dice.choice(_NAMES)}>")
        else:
            parts.append(dice.choice(_TEXTS if kind < 0.85 else _OTHERS))
    return "".join(parts)


def test_the_elements_of_plain_pages_are_those_of_the_tree() -> None:
    dice, plain = random.Random(7), 0
    for _ in range(6000):
        page = _page(dice)
        found = plain_markup.elements(page)
        if found is not None:
            plain += 1
            expected: list[str | Element] = list(_in_tree(page))
            assert _links(found) == _links(expected), page
    assert plain > 500


@pytest.mark.parametrize(
    "page",
    [
        '<table><tr><td><a href="/1">x</a></td></tr></table>',
        '<svg class="x"><title>x</title><linearGradient/></svg><a href="/1">x</a>',
        "<select name=x><option value=1>x<option>y</select><a href='/1'>x</a>",
        '<head><noscript><link rel="stylesheet" href="/s"></noscript></head><a href="/1">x</a>',
        '<iframe src="/f">x</iframe><!-- <a href="/2"> --><a href="/1">x</a>',
        '<script>if (a < b) document.write(\'<a href="/2">\')</script><a href="/1">x</a>',
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "x" "y"><a class="a" href="/1" id="b">x</a>',
    ],
)
def test_a_page_needs_no_tree(page: str) -> None:
    found = plain_markup.elements(page)
    assert found is not None
    assert _links(found) == _links(list(_in_tree(page)))


@pytest.mark.parametrize(
    "page",
    [
        '<table><tr><a href="/1">x</a><td><a href="/2">x</a></table>',
        '<p title="<a href=/1>"><a href="/2">x</a>',
        '<template><a href="/1">x</a></template>',
        '<svg><script><a href="/1">x</a></script></svg>',
        "<script><!-- <script> </script> --> <a href=/1></script>",
        '<base href="/b/"><a href="1">x</a>',
        '<textarea><a href="/1">x</a>',
        "<a href=/1?&copy;>x</a>",
        '<a href="/1',
        "<A HREF=/1>x</A>",
        "<!-- <a href=/1> --!> x <a href=/2>",
    ],
)
def test_a_page_needs_the_tree(page: str) -> None:
    assert plain_markup.elements(page) is None


def test_long_pages_take_time_in_proportion_to_their_length() -> None:
    for part in (
        "<",
        "<a ",
        "<!--",
        "<svg>",
        "<table>",
        "<script>",
        '<a href="',
        "</",
        "<p a",
        "-",
    ):
        assert plain_markup.elements(f"<p>{part * 100_000}") in (None, [])


def test_a_limit_of_links_counts_the_elements_of_plain_pages_as_those_of_a_tree() -> None:
    page = b"".join(b'<a href="/%d">x</a>' % number for number in range(5))
    found = html.read(page, "http://h.example/", CrawlRules(links_per_page=3))
    assert len(found.links) == 3
    assert sum(found.left_out.values()) == 2
