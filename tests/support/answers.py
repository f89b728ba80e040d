"""Answers of a sink, and a ventilator's offer, with the least that they can say."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals

COUNTING = SourceInfo(checked_bytes=1)
COUNTED = SourceInfo(checked_bytes=2, url_lines=2, at_end=True)


def offer(share: Share) -> messages.Open:
    spec = messages.InputSpec(name="", path="", file_bytes=1, source=COUNTING)
    return messages.Open(
        session="s", input=spec, batch_size=1, settings={}, version="", share=share
    )


OPENED = messages.Opened(
    job="job",
    batch_size=1,
    source=COUNTING,
    done=b"",
    partial={},
    suspects=[],
    totals=Totals(),
    epoch="e",
    version=0,
    complete=False,
)
NEWS = messages.Committed(version=1, changed={}, totals=Totals(), complete=False)


def opened(**said: Any) -> messages.Opened:
    return replace(OPENED, **said)


def news(**said: Any) -> messages.Committed:
    return replace(NEWS, **said)
