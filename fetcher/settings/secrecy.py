"""How values that may hold a secret are shown: in the manifest, in messages and in dashboards.

A setting that may hold a secret is declared with one of these functions (`about(..., hide=...)`).
Each takes the value as plain data and returns it without the secret.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "…"
# Up to the last @, as a password may hold / or @ that should have been escaped.
_USER_INFO: Final = re.compile(r"//.*@")
_QUERY: Final = re.compile(r"\?.+")


def all_of(text: str) -> str:
    """Hide the whole text, if there is one."""
    return HIDDEN if text else ""


def header_values(lines: list[str]) -> list[str]:
    """Hide the values of headers; their names stay."""
    return [f"{line.partition(':')[0]}: {HIDDEN}" for line in lines]


def credentials(url: str) -> str:
    """Hide the user, the password and the parameters of a URL; its host stays."""
    return _QUERY.sub(f"?{HIDDEN}", _USER_INFO.sub(f"//{HIDDEN}@", url))
