"""Divides the batches among several sinks by batch id, so that a line always has the same sink."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

_MAX_SINKS: Final = 64


def sink_of(batch: int, sinks: int) -> int:
    """Return the index of the sink to which a batch belongs; `sinks`: how many there are."""
    return batch % sinks


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The batches of one sink: those with id modulo `of` equal to `index`."""

    index: Annotated[int, Meta(ge=0, lt=_MAX_SINKS)] = 0
    of: Annotated[int, Meta(ge=1, le=_MAX_SINKS)] = 1

    def __post_init__(self) -> None:
        if self.index >= self.of:
            raise ValueError(f"sink {self.index + 1} of {self.of}")

    def has(self, batch: int) -> bool:
        return sink_of(batch, self.of) == self.index

    def __str__(self) -> str:
        return f"sink {self.index + 1} of {self.of}"


WHOLE: Final = Share()
