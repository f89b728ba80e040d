"""Keeps what the row of a line needs of its last attempt in addition to the result.

That is the body of the last answer, or all exchanges as they went over the wire. Most jobs keep
nothing; their fetches have no Kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from fetcher.fetch.body.body_blocks import Blocks
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.capture import Capture
from fetcher.fetch.body.intake import Intake
from fetcher.fetch.transfer.message import Answer, Request


class Kept(Intake, kw_only=True, eq=False):
    """What one attempt keeps. As an Intake, it is that of the exchange that is under way."""

    account: Account
    keeps_body: bool
    keeps_wire: bool
    hidden: frozenset[str]  # see Capture
    body: bytes | None = None
    captures: list[Capture] = msgspec.field(default_factory=list)

    def begin(self, request: Request) -> None:
        """An exchange begins."""
        if self.keeps_wire:
            self.capture = self.captured(request)
        if self.keeps_body:
            self.blocks = Blocks()

    def captured(self, request: Request) -> Capture:
        """A new capture, of an exchange that makes this request."""
        capture = Capture(request.url, time.time(), self.hidden)
        self.captures.append(capture)
        return capture

    @property
    def new_capture(self) -> Callable[[Request], Capture] | None:
        """`captured`, if exchanges are kept."""
        return self.captured if self.keeps_wire else None

    def end(self, request: Request, answer: Answer) -> None:
        """The exchange has ended, maybe in a failure."""
        if self.capture is not None:
            self.capture.end(request.body, answer.remote_ip)
            self.capture = None
        blocks, self.blocks = self.blocks, None
        if blocks is not None and answer.status:
            self.body = None if answer.redirect_to else b"".join(blocks.pieces)

    def take(self, request: Request, answer: Answer, pieces: list[bytes]) -> None:
        """Keep the body of an exchange which has not used this intake."""
        if self.keeps_body:
            self.blocks = Blocks(pieces)
        self.end(request, answer)

    def take_confirmed(self, body: bytes | None) -> None:
        """The body of the earlier answer stands for the one that did not come."""
        self.body = body
        if body:
            self.account.add(len(body))
