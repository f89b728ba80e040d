"""Says where the bytes of an answer go while it is received. By default they are only counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from fetcher.fetch.body.body_blocks import Blocks
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.capture import Capture


class Intake(msgspec.Struct, eq=False):
    """Where the bytes of one answer go."""

    blocks: Blocks | None = None  # gathers the decoded body
    search: Callable[[bytes], object] | None = None  # gets its pieces, if `blocks` does not
    capture: Capture | None = None  # gets the exchange as it goes over the wire
    # Counts what is kept; while it admits no more, the transfer pauses.
    account: Account | None = None


NOTHING_KEPT: Final = Intake()
