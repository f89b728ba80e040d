"""No shown text can steer a terminal."""

from __future__ import annotations

import io
import sys

import pytest
from rich.control import Control
from rich.text import Text

from fetcher.watch.terminal.console import SafeConsole, make_console


def shown(what: object, **options: bool) -> str:
    file = io.StringIO()
    console = SafeConsole(file=file, width=200, force_terminal=True, color_system=None, emoji=False)
    console.print(what, **options)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ä", "plain ä\n"),
        ("\x1b[2Ja", "\\x1b[2Ja\n"),
        ("a\nb", "a\nb\n"),
        ("\u202eb", "\\u202eb\n"),
        (":smile:", ":smile:\n"),
    ],
)
def test_unprintable_characters_of_a_text_are_escaped(text: str, expected: str) -> None:
    assert shown(text, markup=False, highlight=False) == expected
    assert shown(Text(text)) == expected


def test_our_own_styles_are_not_escaped() -> None:
    file = io.StringIO()
    console = SafeConsole(file=file, force_terminal=True, color_system="standard")
    console.print(Text("a", style="bold"))
    assert file.getvalue() == "\x1b[1ma\x1b[0m\n"


def test_our_own_control_sequences_reach_the_terminal() -> None:
    assert shown(Control.clear()) == "\x1b[2J"


@pytest.mark.parametrize("is_error", [False, True])
def test_a_console_writes_to_the_stream_that_takes_control_sequences(
    monkeypatch: pytest.MonkeyPatch, is_error: bool
) -> None:
    name = "stderr" if is_error else "stdout"
    plain, styled = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, name, plain)
    assert make_console(is_error=is_error).file is plain
    plain.styled = styled  # type: ignore[attr-defined]
    assert make_console(is_error=is_error).file is styled
