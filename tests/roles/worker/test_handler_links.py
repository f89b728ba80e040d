"""Links that a handler returns: which are taken, and what is wrong with the others."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from msgspec.structs import replace

from fetcher.frontier.links import MAX_LINK_CHARS, Link, LinkRequest
from fetcher.protocol import links as wire
from fetcher.roles.worker import handler_links

BASE = "http://a.test/users/1"


def of(*links: Any, **more: Any) -> list[Link]:
    return handler_links.of({"links": list(links), **more}, BASE)


def test_a_url_is_enough_and_a_relative_one_is_of_the_page() -> None:
    assert of("2", "http://b.test", "/x y") == [
        Link("http://a.test/users/2", "handler"),
        Link("http://b.test/", "handler"),
        Link("http://a.test/x%20y", "handler"),
    ]
    assert of("mailto:x", extra={"a": 1}) == [Link("mailto:x", "handler")], "the crawl refuses it"


def test_each_key_of_a_link_has_its_place() -> None:
    full = {
        "url": "/api",
        "priority": -3,
        "route": "followers",
        "method": "post",
        "headers": [("X", "y")],
        "body": b"\x00",
        "id": "me",
    }
    request = LinkRequest("POST", "followers", (("X", "y"),), b"\x00", "me")
    assert of(full) == [Link("http://a.test/api", "handler", "", -3, request)]
    plain: dict[str, Any] = {
        "url": "/api",
        "route": None,
        "headers": {},
        "body": "",
        "method": "GET",
    }
    assert of(plain) == [Link("http://a.test/api", "handler")]
    coded = {"url": "/api", "method": "PUT", "body": {"base64": "AAE="}}
    assert of(coded)[0].request == LinkRequest("PUT", body=b"\x00\x01")
    assert wire.decode(wire.encode(wire.PageLinks(tuple(of(full))))).links == tuple(of(full))


class Text(str):
    """As the texts that lxml finds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


class Level(enum.IntEnum):
    HIGH = 3


class Number(int):
    pass


@pytest.mark.parametrize("number", [Level.HIGH, Number(3)])
def test_subtypes_of_texts_and_numbers_become_plain(number: int) -> None:
    link = {
        "url": Text("/api"),
        "priority": number,
        "route": Text("r"),
        "method": Text("POST"),
        "headers": {Text("X"): Text("y")},
        "body": Text("b"),
        "id": Text("me"),
    }
    request = LinkRequest("POST", "r", (("X", "y"),), b"b", "me")
    found = of(link, link | {"id": number}, Text("mailto:x"))
    assert found == [
        Link("http://a.test/api", "handler", "", 3, request),
        Link("http://a.test/api", "handler", "", 3, replace(request, id=3)),
        Link("mailto:x", "handler"),
    ]
    assert wire.decode(wire.encode(wire.PageLinks(tuple(found)))).links == tuple(found)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (5, "links[1]: is a int; give a URL or a dict"),
        ({"href": "/x"}, "links[1]: 'href' is not a known key; use url, priority"),
        ({}, "links[1]: url: must be a text"),
        ({"url": "/x", "priority": "high"}, "links[1]: priority: must be a whole number"),
        ({"url": "/x", "priority": 1 << 40}, "links[1]: priority: must be a whole number"),
        ({"url": "/x", "priority": True}, "links[1]: priority: must be a whole number"),
        ({"url": "/x", "route": 3}, "links[1]: route: must be a text"),
        ({"url": "/x", "method": "A B"}, "links[1]: method: 'A B' is not an HTTP method"),
        ({"url": "/x", "headers": {"Host": "b"}}, "links[1]: headers: Host is set by"),
        ({"url": "/x", "body": "q"}, "links[1]: body: a GET request has no body"),
        ({"url": "/x", "body": b"q"}, "links[1]: body: a GET request has no body"),
        ({"url": "/x", "id": 1.5}, "links[1]: id: must be a text or a whole number"),
        ({"url": "/x", "route": "\ud800"}, "links[1]: route: holds half a character"),
        (
            {"url": "/x", "method": "POST", "body": "\ud800"},
            "links[1]: body: holds half a character",
        ),
        ("\ud800:", "links[1]: url: holds half a character"),
    ],
)
def test_a_wrong_link_is_named_with_its_fault(link: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        of("/fine", link)
    assert str(caught.value).startswith(said)


def test_other_values_have_no_links() -> None:
    assert not handler_links.are_in(None)
    assert not handler_links.are_in({"extra": 1})
    assert not handler_links.are_in(["links"])


def test_links_stand_beside_extra_alone_and_are_a_list() -> None:
    with pytest.raises(ValueError, match=r"it returned links and 'title'; return \{'links'"):
        of("/x", title="t")
    with pytest.raises(TypeError, match=r"links: is a str; return a list"):
        handler_links.of({"links": "/x"}, BASE)


def test_a_link_may_be_long_and_one_beyond_the_bound_is_a_fault() -> None:
    body = b"x" * (MAX_LINK_CHARS - 1000)
    (link,) = of({"url": "/", "method": "POST", "body": body})
    assert link.request is not None and link.request.body == body
    for part in ({"body": body + b"y" * 1000}, {"headers": {"X": "y" * MAX_LINK_CHARS}}):
        with pytest.raises(ValueError, match=r"links\[0\]: has more than 512 KB"):
            of({"url": "/", "method": "POST", **part})
