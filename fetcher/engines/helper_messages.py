"""What a helper is told and what it answers, a line of JSON each; see fetcher.engines.helper."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fetcher.engines.interface import SlotCount
from fetcher.settings.schema import Settings


class HelperOrder(msgspec.Struct, frozen=True):
    """The first line: which engine the helper runs, for which job."""

    engine: str  # "module:class"
    settings: Settings
    folders: tuple[str, ...] = ()  # where the user's modules may be, for slots on this host

    def __repr__(self) -> str:
        return "HelperOrder(…)"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the engine's interface."""

    call: Literal["start", "place", "count", "results", "end"]
    tickets: tuple[dict[str, Any], ...] = ()
    secrets: str = ""

    def __repr__(self) -> str:
        return f"Request({self.call})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the call has returned or raised."""

    count: SlotCount | None = None
    results: tuple[dict[str, Any], ...] = ()
    error: str = ""  # "": none
    is_temporary: bool = False  # the error is an EngineError
    is_last: bool = False  # the helper leaves, as its library cannot go on


def encode(message: HelperOrder | Request | Answer) -> bytes:
    """Return the line of a message."""
    return msgspec.json.encode(message) + b"\n"
