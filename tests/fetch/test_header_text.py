"""Text of headers: as bytes on the wire, and as people read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.fetch.header_text import merged, parsed_header, shown, shown_headers, to_wire

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXT)
def test_text_of_users_is_sent_as_utf_8_and_shown_as_it_was(text: str) -> None:
    wire = to_wire(text)
    assert wire.encode("latin-1") == text.encode("utf-8")
    assert shown(wire) == text


@given(st.binary())
def test_bytes_that_are_not_utf_8_are_shown_as_latin_1(data: bytes) -> None:
    wire = data.decode("latin-1")
    try:
        expected = data.decode("utf-8")
    except UnicodeDecodeError:
        expected = wire
    assert shown(wire) == expected


def test_half_a_character_is_escaped() -> None:
    assert to_wire("a\ud800") == "a\\ud800"


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Accept: */*", ("Accept", "*/*")),
        ("X:a:b", ("X", "a:b")),
        ("X:  a \t", ("X", "a")),
        ("X:", ("X", "")),
        ("X: ö", ("X", "\xc3\xb6")),
    ],
)
def test_a_header_of_users_is_a_name_and_a_value(text: str, header: tuple[str, str]) -> None:
    assert parsed_header(text) == header


def test_headers_in_ascii_stay_the_same_list() -> None:
    plain = [("A", "1"), ("B", "2")]
    assert shown_headers(plain) is plain
    assert shown_headers([("A", "1"), ("\xc3\xb6", "2")]) == [("A", "1"), ("ö", "2")]
    assert shown_headers([("A", "1"), ("B", "\xc3\xb6")]) == [("A", "1"), ("B", "ö")]


@pytest.mark.parametrize(
    ("given_too", "sent"),
    [
        ((), (("Accept", "*/*"), ("X", "1"), ("X", "2"))),
        ((("x", "3"),), (("Accept", "*/*"), ("x", "3"))),
        ((("Y", "3"), ("ACCEPT", "a")), (("X", "1"), ("X", "2"), ("Y", "3"), ("ACCEPT", "a"))),
    ],
)
def test_a_given_header_replaces_all_defaults_of_its_name(
    given_too: tuple[tuple[str, str], ...], sent: tuple[tuple[str, str], ...]
) -> None:
    assert merged([("Accept", "*/*"), ("X", "1"), ("X", "2")], given_too) == sent
