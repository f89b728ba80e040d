"""A body in its row gives back its very bytes, as text wherever that is possible."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.rows.inline import body_of, inline

TEXT = "Déjà vu: ñ"
AS_TEXT = {
    "UTF-8 as declared": (TEXT.encode(), "text/html; charset=utf-8", TEXT),
    "UTF-8 by default": (TEXT.encode(), "text/html", TEXT),
    "no content type": (TEXT.encode(), None, TEXT),
    "an unknown charset, and UTF-8": (TEXT.encode(), "text/html; charset=x-klingon", TEXT),
    "latin-1": (TEXT.encode("latin-1"), "text/html; charset=iso-8859-1", TEXT),
    "the web's latin-1": (b"\x80 5", "text/html; charset=latin1", "€ 5"),
    "quoted, in capitals": ("Ж".encode("koi8-r"), 'text/html; Charset="KOI8-R"', "Ж"),
    "UTF-16": (TEXT.encode("utf-16-le"), "text/html; charset=utf-16", TEXT),
    "UTF-16 with its mark": (b"\xff\xfea\0", "text/html; charset=utf-16le", "\ufeffa"),
    "Shift JIS": ("日本".encode("shift_jis"), "text/html; charset=shift_jis", "日本"),
    "a mark of UTF-8": (b"\xef\xbb\xbfa", "text/html", "\ufeffa"),
    "nothing": (b"", "text/html", ""),
    "what JSON must escape": (b'\0\x1b"\\\r\n', "text/plain", '\0\x1b"\\\r\n'),
}


@pytest.mark.parametrize("name", AS_TEXT)
def test_what_is_text_in_its_charset_is_text(name: str) -> None:
    body, content_type, text = AS_TEXT[name]
    assert inline(body, content_type) == (text, "text")
    assert body_of(text, "text", content_type) == body


IN_BASE64 = {
    "an image": (b"\x89PNG\r\n\x1a\n\0", "image/png"),
    "latin-1 said to be UTF-8": (TEXT.encode("latin-1"), "text/html; charset=utf-8"),
    "an odd byte of UTF-16": (b"a\0b", "text/html; charset=utf-16le"),
    "half of a pair": (b"\x3d\xd8", "text/html; charset=utf-16le"),
    "UTF-8 that stands for a half": (b"\xed\xa0\xbd", "text/html"),
    # Two of its sequences of bytes are one text: it would not give back these.
    "a double of Shift JIS": (b"\xee\xf9", "text/html; charset=shift_jis"),
}


@pytest.mark.parametrize("name", IN_BASE64)
def test_what_text_would_not_give_back_is_in_base64(name: str) -> None:
    body, content_type = IN_BASE64[name]
    text, kind = inline(body, content_type)
    assert (base64.b64decode(text), kind) == (body, "base64")
    assert body_of(text, kind, content_type) == body


CHARSETS = ("utf-8", "utf-16", "big5", "gb18030", "euc-kr", "iso-2022-jp", "x-user-defined", "x")


@given(st.binary(max_size=60), st.sampled_from(CHARSETS))
def test_whatever_it_is_comes_back(body: bytes, charset: str) -> None:
    content_type = f"text/html; charset={charset}"
    assert body_of(*inline(body, content_type), content_type) == body


@pytest.mark.parametrize("text", ["=", "a", "日本", "YQ==\n"])
def test_text_that_is_not_base64_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        body_of(text, "base64", None)
