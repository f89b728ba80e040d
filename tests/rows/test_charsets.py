"""The charset of a Content-Type."""

from __future__ import annotations

import pytest

from fetcher.rows.charsets import charset_of


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (None, "utf-8"),
        ("", "utf-8"),
        ("text/html", "utf-8"),
        ("text/html; charset=ISO-8859-1", "ISO-8859-1"),
        ("text/html;charset=koi8-r; a=b", "koi8-r"),
        ("text/html; CHARSET = 'x'", "x"),
        ('text/html; charset="windows-1252"', "windows-1252"),
        ("text/html; charset=", "utf-8"),
        ("text/html; mycharset=x", "utf-8"),
        ("text/html; charset=" + "x" * 50, "x" * 40),
    ],
)
def test_the_charset_is_as_it_is_written(content_type: str | None, charset: str) -> None:
    assert charset_of(content_type) == charset
