"""The tag of a line: the ventilator hands it out with the line; the row brings it to the sink.

Law: only the job's sink and ventilator know the key that tags are made with. A tag covers the batch
with all of its URL lines, and the line's number, URL and id. So a row with the right tag belongs to
a line that exists and was handed out, and has the line's own number, URL and id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from fetcher.input.lines import identity

KEY_BYTES: Final = 32
TAG_BYTES: Final = 8

Named = tuple[int, str, str | int | None]  # a line's number, URL and id


def of_lines(key: bytes, batch: int, batch_mask: bytes, lines: Iterable[Named]) -> bytes:
    """The joined tags of these lines of a batch."""
    mine = hashlib.blake2b(b"%d " % batch + batch_mask, key=key, digest_size=KEY_BYTES).digest()
    begun = hashlib.blake2b(mine, digest_size=TAG_BYTES)
    made = []
    for line in lines:
        one = begun.copy()  # half of what a new one costs
        one.update(identity(*line))
        made.append(one.digest())
    return b"".join(made)


def nth(tags: bytes, index: int) -> bytes:
    """The tag at this index of joined tags."""
    return tags[index * TAG_BYTES : (index + 1) * TAG_BYTES]
