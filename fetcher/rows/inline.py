"""Puts a body into its row: as text if that preserves all bytes, else as base64.

With the row's content type, both give back the same bytes. Charsets are those of the web ("latin-1"
is windows-1252); without a known charset, UTF-8 is tried.
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
    """The text for the row's `body`, and its kind for `body_is`."""
    codec = _encoding(content_type).codec_info
    try:
        text = codec.decode(body, "strict")[0]
        # In some charsets, different bytes decode to the same text.
        if codec is webencodings.UTF8.codec_info or codec.encode(text, "strict")[0] == body:
            return text, "text"
    except UnicodeError:
        pass
    return base64.b64encode(body).decode("ascii"), "base64"


def body_of(text: str, kind: Literal["text", "base64"], content_type: str | None) -> bytes:
    """Turn the text back into the body. Raises ValueError if `inline` did not make it."""
    if kind == "base64":
        return base64.b64decode(text, validate=True)
    return _encoding(content_type).codec_info.encode(text, "strict")[0]
