"""The base class of messages, and the bounded types of their fields."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fetcher.model import OUTCOMES
from fetcher.protocol.line_tags import TAG_BYTES

MAX_BATCH_LINES: Final = 10_000  # as job.batch_size and worker.chunk_rows allow
MAX_HOSTS: Final = 400_000  # hosts in one message
MAX_PARTIAL: Final = 100_000  # batches of which some lines are committed
MAX_PARTIAL_BYTES: Final = 12 * 1024 * 1024  # of their masks, in one message
MAX_TEXT: Final = 500  # characters of a text in a roster
MAX_MEMBERS: Final = 200  # workers named in one roster
MAX_ROUTES: Final = 33  # the default one included
MAX_LOADS: Final = 10  # hosts in one `Samples`
MAX_REST_WHY: Final = 40  # characters of the reason for a host's pause
MAX_FAILED_LINES: Final = 20  # failed lines in one `Samples`
MAX_SLOW: Final = 100  # leases with slow lines in one heartbeat
MAX_TURNS: Final = 20  # hosts of one worker for which it estimates the time left
MAX_SECONDS: Final = 100_000.0  # a day, and what rounding adds

# The bounds leave room for sums, and for the line after the last.
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Small = Annotated[int, Meta(ge=0, le=1 << 32)]
Line = Annotated[int, Meta(ge=1, le=1 << 62)]
BatchSize = Annotated[int, Meta(ge=1, le=MAX_BATCH_LINES)]
Code = Annotated[int, Meta(ge=0, lt=len(OUTCOMES))]
Status = Annotated[int, Meta(ge=0, le=999)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
Mask = Annotated[bytes, Meta(max_length=MAX_BATCH_LINES // 8)]  # see bitset.pack
Tags = Annotated[bytes, Meta(max_length=MAX_BATCH_LINES * TAG_BYTES)]
Masks = Annotated[dict[Count, Mask], Meta(max_length=MAX_PARTIAL)]  # by batch
MAX_DEPTH: Final = 1 << 31  # of a line of a crawl
Depth = Annotated[int, Meta(ge=0, le=MAX_DEPTH)]
MAX_PAGE_LINES: Final = 1 << 16  # lines of a log that one page looks at
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024  # of their texts
PageMask = Annotated[bytes, Meta(max_length=MAX_PAGE_LINES // 8)]
PageTexts = Annotated[bytes, Meta(max_length=MAX_PAGE_BYTES)]
# Not infinity and not NaN: a manifest with them could not be read again.
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Plain = str | int | Finite | bool | None  # the value of a setting
_Section = Annotated[
    dict[str, Plain | Annotated[list[Plain], Meta(max_length=100_000)]], Meta(max_length=1_000)
]
Settings = Annotated[dict[str, _Section], Meta(max_length=100)]
Name = Annotated[str, Meta(max_length=200)]
RouteNames = Annotated[list[Name], Meta(max_length=MAX_ROUTES)]
MAX_SAID: Final = 200  # characters of a URL or error in `Samples`
Said = Annotated[str, Meta(max_length=MAX_SAID)]
Rows = Meta(max_length=MAX_BATCH_LINES)
Hosts = Annotated[list[Count], Meta(max_length=MAX_HOSTS)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]


class Message(msgspec.Struct, frozen=True, tag_field="t", forbid_unknown_fields=True):
    """Base of all messages; `t` is the key of their tag."""
