"""Reads the charset from a Content-Type."""

from __future__ import annotations

import re
from typing import Final

_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]{1,40})""", re.IGNORECASE)


def charset_of(content_type: str | None) -> str:
    """The charset as it is written; "utf-8" where there is none."""
    found = _CHARSET.search(content_type or "")
    return found[1] if found else "utf-8"
