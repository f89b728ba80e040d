"""File names that all systems accept, made from any text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from fetcher.export.safe_names import MAX_BYTES, cleaned, file_name, folded

ENDINGS = ("", ".jpg", "-2.jpg", "-17", ".json")
NASTY = st.sampled_from(
    [*'/\\:*?"<>|. \0\x1f\x7f\x85\u202e\u200b\ud800-~$', "CON", "nul", "é", "😀"]
)
TEXTS = st.one_of(st.text(max_size=400), st.lists(NASTY, max_size=300).map("".join))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a cat.v2", "a cat.v2"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        ("   ", "_"),
        ("...", "_"),
        (".bashrc", "_bashrc"),
        (" . a . ", "_ a"),
        ("a\0b\nc\x7fd\u202ee\u2028f", "a_b_c_d_e_f"),
        ('a:b*c?"<>|\\d', "a_b_c______d"),
        ("con", "_con"),
        ("CON .txt", "_CON .txt"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("COM¹", "_COM¹"),
        ("conin$", "_conin$"),
        ("AUX.", "_AUX"),
        ("console", "console"),
        ("e\u0301", "é"),
        ("half \ud800", "half _"),
    ],
)
def test_what_a_system_refuses_is_replaced(text: str, name: str) -> None:
    assert file_name(text) == name


@given(TEXTS, st.sampled_from(ENDINGS), st.sampled_from([0, 5]))
@example("CON", "", 0)
@example("x" * 300 + " .", "", 0)
@example("é" * 300, ".jpg", 5)
@example("a" * 254 + "é", "", 0)
def test_a_name_is_one_part_of_a_path_that_all_systems_take(
    text: str, ending: str, room: int
) -> None:
    name = file_name(text, ending, room)
    assert name.endswith(ending) and name != ending
    assert len(name.encode()) + room <= MAX_BYTES
    assert not name.startswith(".") and not name.endswith((".", " "))
    assert not set(name) & set('/\\:*?"<>|') and name.isprintable()
    assert unicodedata.is_normalized("NFC", name) or len(text) > MAX_BYTES
    assert is_valid_filename(name, platform="universal", fs_encoding="utf-8", max_len=MAX_BYTES)
    assert file_name(name) == name, "it stays as it is"
    assert cleaned(name) == name


def test_names_that_differ_in_case_or_form_alone_are_one() -> None:
    assert folded("Straße/É.JPG") == folded("STRASSE/e\u0301.jpg") == folded("strasse/é.jpg")
    assert folded("a") != folded("b")
