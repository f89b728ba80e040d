"""The tag of a line: what its ventilator hands out with it, and its row must bring to the sink.

Law: only who knows the job's key can make one: its sink and its ventilator. It is of the batch with
all of its URL lines, and of the line's number, URL and id: so a row with the right tag is of a line
that there is, that was handed out, and that is what the row says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from fetcher.core.lines import identity

KEY_BYTES: Final = 32
TAG_BYTES: Final = 8

Named = tuple[int, str, str | int | None]  # a line's number, URL and id


def of_lines(key: bytes, batch: int, batch_mask: bytes, lines: Iterable[Named]) -> bytes:
    """The tags of these lines of a batch, joined."""
    mine = hashlib.blake2b(b"%d " % batch + batch_mask, key=key, digest_size=KEY_BYTES).digest()
    begun = hashlib.blake2b(mine, digest_size=TAG_BYTES)
    made = []
    for line in lines:
        one = begun.copy()  # half of what a new one costs
        one.update(identity(*line))
        made.append(one.digest())
    return b"".join(made)


def nth(tags: bytes, index: int) -> bytes:
    """One of joined tags."""
    return tags[index * TAG_BYTES : (index + 1) * TAG_BYTES]
