"""What the engine and the process that speaks with Ray tell each other: lines of JSON."""

from __future__ import annotations

from typing import Any

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The first line to the process: how to reach Ray, or how to start one."""

    address: str  # "": start a Ray for this job, and end it with this process
    slots: int  # the most that run at the same time
    cpus: float  # that Ray reserves for each slot
    start_s: float  # a slot that Ray has not started after so long is complained of
    folders: tuple[str, ...]  # of the user's modules, for a Ray that is started here
    directory: str  # for the files of a Ray that is started here


class Request(msgspec.Struct, frozen=True):
    """One request to the process: run these tickets, if there are any, and answer."""

    tickets: tuple[dict[str, Any], ...] = ()
    is_last: bool = False  # end all slots


class Answer(msgspec.Struct, frozen=True):
    """The answer to the order, or to a request."""

    results: tuple[dict[str, Any], ...] = ()  # see Engine.results
    count: int = 0  # slots that wait or run
    error: str = ""  # Ray cannot be used any more, and the process ends


def encode(message: msgspec.Struct) -> bytes:
    """Return the message as a line."""
    return msgspec.json.encode(message) + b"\n"
