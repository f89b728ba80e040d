"""The messages that a slot's process reads from its standard input.

First a line of JSON, the order. Then nothing, or `drain`: requests in flight finish, and the slot
ends. When the input ends, the process that ordered the slot has died or lets it go.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

import msgspec

from fetcher.errors import UsageError

EXPIRED: Final = "the ticket had expired before the slot began"
DRAIN: Final = b"drain\n"
_MOST_BYTES: Final = 16 * 1024 * 1024


class SlotOrder(msgspec.Struct, frozen=True):
    """One slot to be run."""

    ticket: dict[str, Any]  # see fetcher.engines.ticket
    secrets: str = ""  # what the engine carried
    parent_pid: int = 0  # of the process that ordered the slot; 0: on another host
    folders: tuple[str, ...] = ()  # where its modules are, for the user's modules

    def __repr__(self) -> str:
        return "SlotOrder(…)"


def encode(order: SlotOrder) -> bytes:
    """Return the line of an order."""
    # Not msgspec, as a ticket may come with types of an engine's own.
    return json.dumps(msgspec.structs.asdict(order)).encode() + b"\n"


def read(descriptor: int) -> SlotOrder:
    """Read the order, and not a byte more. Raises UsageError."""
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(descriptor, 1)
        if not block or len(line) > _MOST_BYTES:
            raise UsageError(
                "a slot reads its ticket from standard input, and no ticket came; `fetcher run "
                "--engine` starts slots"
            )
        line += block
    try:
        return msgspec.json.decode(line, type=SlotOrder)
    except msgspec.MsgspecError as error:
        raise UsageError(f"the slot's ticket is malformed: {error}") from error
