"""The links of a crawl in OUT/links: of each row that found some, what became of them.

Each record is [line, [line or [reason, URL, via], ...], kinds]: `kinds` has a byte for each link,
or one for all (frontier.links). Records of older crawls lack it, and are read as well. A crawl by
levels judges the links of a row in two steps, so that a row may have two records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from fetcher.errors import DamageError, UsageError
from fetcher.frontier.links import unpacked_kinds
from fetcher.store.log_source import LINKS_NAME
from fetcher.store.reader import Committed, Part, blocks_of, packed_values
from fetcher.store.segments import oldest_first

# A line of the log; or of a link that was refused the reason, the URL and the Via.
Target = int | tuple[str, str, str]


class RowLinks(NamedTuple):
    """A record: the line of the page, and what became of each of its links."""

    line: int
    to: list[Target]
    kinds: bytes = b""

    def vias(self) -> list[str | None]:
        """The kind of each link; None: the record does not say it of a link to a line."""
        kinds = unpacked_kinds(self.kinds, len(self.to))
        return [
            kind or (None if isinstance(target, int) else target[2])
            for target, kind in zip(self.to, kinds, strict=True)
        ]


_decode: Final = msgspec.msgpack.Decoder(RowLinks).decode


def decode(raw: bytes | memoryview) -> RowLinks:
    """A record. Raises ValueError."""
    record = _decode(raw)
    unpacked_kinds(record.kinds, len(record.to))
    return record


def require_links(part: Part) -> None:
    """Raises UsageError if the job in this OUT keeps no links."""
    rules = part.manifest.crawl
    if rules is None:
        what = "is a retry of lines, and" if part.manifest.selection else "is a list, and"
        raise UsageError(f"{part.out}: {what} holds no links; name the OUT of a crawl")
    if not rules.keep_links:
        raise UsageError(
            f"{part.out}: its crawl was begun with crawl.keep_links = false; crawl again into "
            "another OUT, without this setting"
        )


def files_of(part: Part) -> list[str]:
    """The committed files of links, as the journal names them, oldest first."""
    return oldest_first(name for name in part.view.states if name.startswith(f"{LINKS_NAME}/"))


def records_of(part: Part, name: str) -> Iterator[RowLinks]:
    """The records of one file, in the order of commits. Raises DamageError, also after the last."""
    return (record for _, record in positions_of(part, name))


def positions_of(part: Part, name: str) -> Iterator[tuple[int, RowLinks]]:
    """As `records_of`, each record with the position of its first byte."""
    path, state = part.out / name, part.view.states[name]
    position = 0
    with Committed(path, state.length) as file:
        for raw in packed_values(blocks_of(file)):
            try:
                record = decode(raw)
            except ValueError as error:
                raise DamageError(
                    f"{path}: byte {position} is not a record of links ({error}); "
                    "`fetcher verify` says more"
                ) from error
            yield position, record
            position += len(raw)
        if not file.is_as(state.digest):
            raise DamageError(
                f"{path}: its bytes are not those that were committed; `fetcher verify` says more"
            )


def all_records(part: Part) -> Iterator[RowLinks]:
    """The records of all files. Raises DamageError."""
    for name in files_of(part):
        yield from records_of(part, name)
