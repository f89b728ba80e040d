"""The URL standard's own test data (see tests/fetch/url_standard/README.md)."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from support.jobs import ROOT

_DATA: Final = ROOT / "tests" / "fetch" / "url_standard"


class Case(NamedTuple):
    """A text, the URL of its page, and the URL that it is by the standard."""

    text: str
    base: str | None
    url: str | None  # None: no URL
    host: str = ""
    port: str = ""
    has_user: bool = False

    @property
    def is_web(self) -> bool:
        return self.url is not None and self.url.startswith(("http:", "https:"))

    @property
    def is_on_web_page(self) -> bool:
        return self.base is not None and self.base.startswith(("http:", "https:"))


def cases() -> list[Case]:
    """The cases of urltestdata.json."""
    entries = json.loads((_DATA / "urltestdata.json").read_text("utf-8"))
    return [_case(entry) for entry in entries if isinstance(entry, dict)]


def hosts() -> list[Case]:
    """The cases of toascii.json, each as the host of a URL."""
    entries = json.loads((_DATA / "toascii.json").read_text("utf-8"))
    return [
        Case(f"https://{entry['input']}/x", None, url, entry["output"] or "")
        for entry in entries
        if isinstance(entry, dict)
        for url in [entry["output"] and f"https://{entry['output']}/x"]
    ]


def _case(entry: dict[str, str]) -> Case:
    text, base = entry["input"], entry.get("base")
    if "failure" in entry:
        return Case(text, base, None)
    has_user = bool(entry["username"] or entry["password"])
    return Case(text, base, entry["href"], entry["hostname"], entry["port"], has_user)
