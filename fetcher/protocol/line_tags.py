"""Tags that prove to the sink that a row belongs to a line which was handed out.

The ventilator sends a tag with each line, and the worker returns it with the row. Only the job's
sink and ventilator know the key of the tags. A tag covers the batch with the mask of its URL lines,
and the line's number, URL and id. So a row with the right tag is of an existing line that was
handed out, and has the number, URL and id of that line; in a crawl, also its depth, finder and via.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from fetcher.input.lines import identity

KEY_BYTES: Final = 32
TAG_BYTES: Final = 8

# A line's number, its URL (in a crawl after how it was found), and its id.
Named = tuple[int, str, str | int | None]


def named(
    line: int, url: str, name: str | int | None, found: tuple[int, int, str, int] | None = None
) -> Named:
    """The values of a line that its tag covers; the tag covers the batch, too.

    `found`: the values of a Found.
    """
    if found is not None:
        depth, found_on, via, hops = found
        url = f"{depth} {found_on} {hops} {via} {url}"
    return line, url, name


def of_lines(key: bytes, batch: int, batch_mask: bytes, lines: Iterable[Named]) -> bytes:
    """The joined tags of these lines of a batch."""
    batch_key = hashlib.blake2b(
        b"%d " % batch + batch_mask, key=key, digest_size=KEY_BYTES
    ).digest()
    batch_hash = hashlib.blake2b(batch_key, digest_size=TAG_BYTES)
    tags = []
    for line in lines:
        one = batch_hash.copy()  # costs half as much as a new one
        one.update(identity(*line))
        tags.append(one.digest())
    return b"".join(tags)


def picked(tags: bytes, places: Iterable[int]) -> bytes:
    """The tags at these places of joined tags."""
    starts = [place * TAG_BYTES for place in places]
    return b"".join([tags[start : start + TAG_BYTES] for start in starts])
