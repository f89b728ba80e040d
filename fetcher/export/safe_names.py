"""Makes file names that all systems accept from unchecked texts.

For any text, a name is a single part of a path: it has no separator, does not begin with a dot, and
has at most 255 bytes. The tests check the names with pathvalidate, but it is not used here: it
accepts `..` and `AUX.`, and fails on lone surrogates.
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_BYTES: Final = 255
_REPLACEMENT: Final = "_"
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_RESERVED: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)


def cleaned(text: str) -> str:
    """The text in NFC, with `_` for characters that are invisible or that some system refuses."""
    if _PLAIN.fullmatch(text):
        return text
    # Characters beyond this limit would be cut off later.
    text = unicodedata.normalize("NFC", text[: 4 * MAX_BYTES])
    return "".join(
        each if each.isprintable() and each not in _FORBIDDEN else _REPLACEMENT for each in text
    )


def file_name(stem: str, ending: str = "", room: int = 0) -> str:
    """The name of a file or folder; if it is too long, the stem is cut.

    `ending`: plain ASCII, such as .jpg. `room`: bytes that must stay free after the name.
    """
    stem = _cut(cleaned(stem), MAX_BYTES - len(ending) - room)
    stem = stem.strip(" ").rstrip(" .")
    if stem.startswith("."):
        stem = _REPLACEMENT + stem[1:]
    if not stem:
        stem = _REPLACEMENT
    if (stem + ending).partition(".")[0].rstrip(" ").upper() in _RESERVED:
        stem = _REPLACEMENT + stem
    return stem + ending


def folded(path: str) -> str:
    """A key that is equal for paths that name one file on a case-insensitive system."""
    return unicodedata.normalize("NFC", path.casefold())


def _cut(text: str, most_bytes: int) -> str:
    if len(text) * 4 <= most_bytes:
        return text
    return text.encode("utf-8")[:most_bytes].decode("utf-8", "ignore")
