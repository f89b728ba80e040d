"""Replaces further copies of a body in the WARC files by revisit records.

A revisit must refer to a record in the same files, whatever process is killed. So the sink decides,
not a worker: only the sink knows which records are in the files, and in which order. A revisit
refers to a record of an earlier commit, or to an earlier record of the same commit; so both are in
the files, or neither is. The sink remembers a bounded number of bodies, starting with none. A body
that it has forgotten is written again, which costs bytes but is correct.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from typing import Final

from fetcher.rows.archive import Member, unpack

_MOST_BODIES: Final = 100_000  # about 40 MB
_GZIP_LEVEL: Final = 1  # a revisit is small

_Place = tuple[str, str]  # URL and date of the record that has the body


class Revisits:
    """Replaces responses with known bodies by revisits; follows the steps of a commit."""

    def __init__(self, most: int = _MOST_BODIES) -> None:
        self._most = most
        self._known: OrderedDict[str, _Place] = OrderedDict()  # by digest, least recent first
        self._new: dict[str, _Place] = {}  # by digest, of the commit that is being written

    def begin(self) -> None:
        """Begin a commit, or try one again from its start."""
        self._new = {}

    def replaced(self, packed: bytes) -> bytes:
        """The records of a line with revisits in place of known bodies. Raises WireError."""
        return b"".join(self._replaced(member, record) for member, record in unpack(packed))

    def _replaced(self, member: Member, record: memoryview) -> bytes | memoryview:
        if not member.digest:
            return record
        place = self._new.get(member.digest) or self._known.get(member.digest)
        if place is None:
            self._new[member.digest] = member.url, member.date
            return record
        if member.digest in self._known:
            self._known.move_to_end(member.digest)
        url, date = place
        refers = f"WARC-Refers-To-Target-URI: {url}\r\nWARC-Refers-To-Date: {date}\r\n".encode()
        return gzip.compress(member.before + refers + member.after, _GZIP_LEVEL, mtime=0)

    def committed(self) -> None:
        """Remember the new bodies, as the journal has recorded the commit."""
        self._known.update(self._new)
        self._new = {}
        while len(self._known) > self._most:
            self._known.popitem(last=False)
