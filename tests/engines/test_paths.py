"""Paths and arguments of the user must be UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fetcher.engines.paths import require_path, require_text
from fetcher.errors import UsageError

ODD = os.fsdecode(b"a\xff")


def test_a_path_that_can_be_used_passes(tmp_path: Path) -> None:
    for text in (str(tmp_path), "new/file", "-", "ä"):
        require_path(text, "-o")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "-o: is empty; name a file or directory"),
        ("a\0b", "-o: 'a\\x00b' cannot be used as a path (embedded null byte)"),
        (f"/x/{ODD}", "-o: /x/a\\xff is not valid UTF-8; rename it"),
    ],
)
def test_another_text_is_refused_and_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_path(text, "-o")
    assert str(caught.value) == said


def test_a_link_to_a_path_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / ODD).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / ODD)
    with pytest.raises(UsageError, match=r"a\\xff is not valid UTF-8"):
        require_path(str(tmp_path / "link"), "URLFILE")


def test_an_argument_that_is_not_utf_8_is_refused() -> None:
    require_text(["run", "ä"])
    with pytest.raises(UsageError, match=r"^a\\xff: not valid UTF-8, as all arguments"):
        require_text(["run", ODD])
