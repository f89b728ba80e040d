"""Makes the requests of a line conditional, so that a page that has not changed is not sent again.

Validators belong to the answer of one URL: they are sent to this URL alone, not to one that
redirects there. A 304 counts only as the answer to them. If it is about another version of the
page, or the earlier answer cannot be used any more, the page is asked for again without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fetcher.fetch.interface import Previous
from fetcher.fetch.transfer.message import Answer

_NOT_MODIFIED: Final = 304
_METHODS: Final = frozenset({"GET", "HEAD"})
# Where the user's own headers have one of these, the answer depends on them.
_CONDITIONS: Final = frozenset(
    {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"}
)
_Pairs = tuple[tuple[str, str], ...]


class Conditional:
    """The conditional requests of one line.

    `previous`: the earlier answer; `confirmed`: the same, if the last answer says that it is still
    right.
    """

    def __init__(self, previous: Previous | None) -> None:
        self.confirmed: Previous | None = None
        self.previous = previous
        self._may_ask = previous is not None
        self._is_asked = False  # whether the last request had the validators

    def begin(self) -> None:
        """A new attempt."""
        self.confirmed = None

    def added(self, url: str, method: str, headers: _Pairs) -> _Pairs:
        """The headers of the next request, with validators if they belong to this URL."""
        previous = self.previous
        self._is_asked = (
            previous is not None
            and self._may_ask
            and bool(previous.conditions)
            and method in _METHODS
            and _sent(url) == _sent(previous.url)
            and not any(name.lower() in _CONDITIONS for name, _ in headers)
        )
        return (*headers, *previous.conditions) if previous and self._is_asked else headers

    def must_ask_again(self, answer: Answer) -> bool:
        """Whether an answer cannot be used, so that the page must be asked for in full."""
        previous = self.previous
        if previous is None or not self._is_asked or answer.status != _NOT_MODIFIED:
            return False
        if is_of_version(answer.headers, previous.etag) and previous.load():
            self.confirmed = previous
            return False
        self._may_ask = False
        return True


def is_of_version(headers: Sequence[tuple[str, str]], etag: str) -> bool:
    """Whether a 304 with these headers can be about this version (RFC 9111, 4.3.4)."""
    said = {_opaque(value) for name, value in headers if name.lower() == "etag"}
    return not said or not etag or said == {_opaque(etag)}


def _opaque(etag: str) -> str:
    return etag.strip().removeprefix("W/")


def _sent(url: str) -> str:
    return url.partition("#")[0]
