"""A body in its row: as text where that says all its bytes, else in base64.

Law: with the row's content type, either gives back the very bytes. Charsets are the web's (a
"latin-1" is windows-1252); where none is known, UTF-8 is tried.
https://encoding.spec.whatwg.org/
"""

from __future__ import annotations

import base64
from typing import Literal

import webencodings

from fetcher.rows.charsets import charset_of


def _encoding(content_type: str | None) -> webencodings.Encoding:
    return webencodings.lookup(charset_of(content_type)) or webencodings.UTF8


def inline(body: bytes, content_type: str | None) -> tuple[str, Literal["text", "base64"]]:
    """The text and what it is."""
    codec = _encoding(content_type).codec_info
    try:
        text = codec.decode(body, "strict")[0]
        # In some charsets, more than one sequence of bytes is the same text.
        if codec is webencodings.UTF8.codec_info or codec.encode(text, "strict")[0] == body:
            return text, "text"
    except UnicodeError:
        pass
    return base64.b64encode(body).decode("ascii"), "base64"


def body_of(text: str, kind: Literal["text", "base64"], content_type: str | None) -> bytes:
    """The body again. Raises ValueError where the text is none of `inline`'s."""
    if kind == "base64":
        return base64.b64decode(text, validate=True)
    return _encoding(content_type).codec_info.encode(text, "strict")[0]
