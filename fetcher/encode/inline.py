"""A body in its row: as text where its bytes are text in their charset, else in base64."""

from __future__ import annotations

import base64
from typing import Literal

import webencodings

from fetcher.core.charsets import charset_of


def inline(body: bytes, content_type: str | None) -> tuple[str, Literal["text", "base64"]]:
    """The text and what it is. Without a charset that is known, UTF-8 is tried.

    Charsets are the web's (a "latin-1" is windows-1252): https://encoding.spec.whatwg.org/
    """
    encoding = webencodings.lookup(charset_of(content_type)) or webencodings.UTF8
    try:
        return encoding.codec_info.decode(body, "strict")[0], "text"
    except UnicodeError:
        return base64.b64encode(body).decode("ascii"), "base64"
