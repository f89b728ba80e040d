"""Which bodies the WARC files have already: a revisit is written for each further copy.

Law: a revisit refers to a record of the same files, whatever is killed. That is why the sink
decides, and no worker: it alone knows which records are in the files, and in which order. A revisit
refers to a record of an earlier commit, or to an earlier one of the same commit: both are there, or
neither is. The sink remembers the bodies seen last, up to a bound, and starts with none: a body
that it has forgotten is written once more, which costs bytes but is correct.
"""

from __future__ import annotations

import gzip
from collections import OrderedDict
from typing import Final

from fetcher.rows.archive import Member, unpack

_MOST: Final = 100_000  # bodies; about 40 MB
_LEVEL: Final = 1  # of gzip: a revisit is small

_Place = tuple[str, str]  # URL and date of the record that has the body


class Revisits:
    """Replaces responses whose body is there by revisits, within the steps of a commit."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, _Place] = OrderedDict()  # by digest, longest unseen first
        self._new: dict[str, _Place] = {}  # in the records of the commit that is being written

    def begin(self) -> None:
        """A commit begins, or is tried again from its start."""
        self._new = {}

    def replaced(self, packed: bytes) -> bytes:
        """The records of a line as they are to be written. Raises WireError."""
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
        return gzip.compress(member.before + refers + member.after, _LEVEL, mtime=0)

    def committed(self) -> None:
        """The journal has recorded what was written."""
        self._known.update(self._new)
        self._new = {}
        while len(self._known) > self._most:
            self._known.popitem(last=False)
