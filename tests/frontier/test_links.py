"""How much text a link holds, and how the kinds of links are packed."""

from __future__ import annotations

import pytest

from fetcher.frontier.links import (
    Link,
    LinkRequest,
    OneKind,
    Via,
    link_chars,
    packed_kinds,
    unpacked_kinds,
)


@pytest.mark.parametrize(
    ("link", "chars"),
    [
        (Link("http://a"), 8),
        (Link("http://a", "a", "a key"), 8),
        (Link("http://a", request=LinkRequest("POST", "list", id=77)), 8 + 4 + 2),
        (Link("http://a", request=LinkRequest(headers=(("A", "12"),), id="")), 8 + 3),
        (Link("http://a", request=LinkRequest(body=b"12345", id="")), 8 + 5),
    ],
)
def test_all_texts_of_a_link_count(link: Link, chars: int) -> None:
    assert link_chars(link) == chars


@pytest.mark.parametrize(
    ("kinds", "data"),
    [
        ([], b""),
        (["a"], b"\x06"),
        (["a", "a", "a"], b"\x06"),
        (["a", "redirect", "a"], b"\x06\x02\x06"),
    ],
)
def test_kinds_take_a_byte_each_and_one_if_they_are_the_same(kinds: list[str], data: bytes) -> None:
    assert packed_kinds(kinds) == data
    assert unpacked_kinds(data, len(kinds)) == kinds


def test_each_kind_has_a_byte_of_its_own() -> None:
    kinds = [str(via) for via in Via]
    assert unpacked_kinds(packed_kinds(kinds), len(kinds)) == kinds


def test_a_kind_of_a_later_version_is_unknown_and_the_others_are_known() -> None:
    assert packed_kinds(["a", "hologram"]) == b"\x06\x00"
    assert unpacked_kinds(b"\x06\xff", 2) == ["a", None]
    assert unpacked_kinds(b"", 2) == [None, None]


def test_kinds_of_another_number_of_links_are_an_error() -> None:
    with pytest.raises(ValueError, match="2 kinds of 3 links"):
        unpacked_kinds(b"\x06\x06", 3)


def test_links_of_one_kind_are_a_mapping() -> None:
    links = OneKind("http://a/b\nhttp://a/c\n", 2, Via.A)
    assert dict(links) == {"http://a/b": Via.A, "http://a/c": Via.A}
    assert (len(links), "http://a/b" in links, "http://a/" in links) == (2, True, False)
    assert OneKind("", 0, Via.A) == {}
