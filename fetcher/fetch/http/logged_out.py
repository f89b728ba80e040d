"""Decides whether an answer means that the session has ended, by the rules in http.logged_out.

A rule is `status:401`, `redirect:/login` (the beginning of a redirect's path, or of its whole URL)
or `text:Please log in` (somewhere in the decoded body). `|` stands between rules.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.message import Answer
from fetcher.web_urls import Target


class LoggedOutRules:
    """The rules. `texts`: what is searched for in bodies, as bytes."""

    def __init__(self, setting: str) -> None:
        """`setting` has passed the check of the settings."""
        self._statuses: dict[int, str] = {}
        self._redirects: list[tuple[str, str]] = []
        self.texts: dict[bytes, str] = {}
        for rule in filter(None, setting.split("|")):
            kind, _, value = rule.partition(":")
            match kind.strip():
                case "status":
                    self._statuses[int(value)] = rule.strip()
                case "redirect":
                    self._redirects.append((value.strip(), rule.strip()))
                case _:
                    for text in _encoded(value.strip()):
                        self.texts.setdefault(text, rule.strip())

    def fitting(self, target: Target, answer: Answer, found: TextSearch | None) -> str:
        """The rule that an answer from this target fits; "" if none."""
        rule = self._statuses.get(answer.status, "") or (found.rule if found else "")
        return rule or self._fitting_redirect(target, answer)

    def _fitting_redirect(self, target: Target, answer: Answer) -> str:
        if not (answer.redirect_to and self._redirects):
            return ""
        url = redirects.url_of(target, answer.redirect_to)
        if url is None:
            return ""
        path = "/" + url.partition("://")[2].partition("/")[2]
        for value, rule in self._redirects:
            if (url if "://" in value else path).startswith(value):
                return rule
        return ""


def _encoded(text: str) -> Iterator[bytes]:
    """The text in the encodings that nearly all pages have."""
    yield text.encode()
    with contextlib.suppress(UnicodeEncodeError):
        yield text.encode("cp1252")


class TextSearch:
    """Searches a body for the texts, piece by piece. `rule`: that of the first one found."""

    def __init__(self, texts: dict[bytes, str]) -> None:
        self.rule = ""
        self._texts = texts
        self._overlap = max(map(len, texts)) - 1
        self._end = b""  # of the last piece, as a text may begin there

    def feed(self, piece: bytes) -> None:
        """Search the next piece."""
        if self.rule:
            return
        searched = self._end + piece
        for text, rule in self._texts.items():
            if text in searched:
                self.rule = rule
                return
        self._end = searched[-self._overlap :] if self._overlap else b""
