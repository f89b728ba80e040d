"""The links of a crawl: which line leads to which other line, or to a URL that was refused."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from fetcher.errors import UsageError
from fetcher.export.columns import Column, Kind, names_of
from fetcher.frontier.totals import Refusal
from fetcher.store.crawl_links import Target, all_records, require_links
from fetcher.store.log_index import LogIndex
from fetcher.store.reader import Part

ALL: Final = "all"


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One link of a page. The field names are public JSON."""

    line: int = msgspec.field(name="from")
    from_url: str
    to: int | None = None  # the line that it leads to; None: it was refused
    to_url: str
    via: str | None = None  # its kind; None: an old crawl kept it only of the first link to a line
    refused: str | None = None  # the reason


class LinkRow(NamedTuple):
    """A link as the writers take it; see export.forms.Record."""

    result: Link
    raw: bytes


_COLUMNS: Final = {
    name: Column(name, kind, operator.attrgetter(field))
    for name, kind, field in (
        ("from", Kind.INT, "line"),
        ("from_url", Kind.TEXT, "from_url"),
        ("to", Kind.INT, "to"),
        ("to_url", Kind.TEXT, "to_url"),
        ("via", Kind.TEXT, "via"),
        ("refused", Kind.TEXT, "refused"),
    )
}
_encode: Final = msgspec.json.Encoder().encode


def find(name: str) -> Column:
    """The column of this name. Raises UsageError."""
    if name not in _COLUMNS:
        raise UsageError(f"links have no column {name!r}; they have {', '.join(_COLUMNS)}")
    return _COLUMNS[name]


def columns(names: str | None) -> list[Column]:
    """The columns of these names (with commas), or all. Raises UsageError."""
    return list(_COLUMNS.values()) if names is None else names_of(names, find)


def reasons_named(text: str) -> frozenset[str]:
    """The reasons in a list with commas; `all`: every one. Raises UsageError."""
    known = [reason.value for reason in Refusal]
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*known, ALL):
            raise UsageError(
                f"--refused: {name!r} is not a reason; they are {', '.join([ALL, *known])}"
            )
    if not names:
        raise UsageError(f"--refused: name at least one reason, or {ALL}")
    return frozenset(known if ALL in names else names)


def links_of(part: Part, reasons: frozenset[str] | None = None) -> Iterator[LinkRow]:
    """Every link that is kept, in the order in which the sink judged them.

    `reasons`: only links that were refused for one of these. Raises UsageError, DamageError,
    NoSpaceError.
    """
    require_links(part)
    with LogIndex(part) as log:
        for record in all_records(part):
            line = record.line
            from_url = log.entry(line).url
            for target, via in zip(record.to, record.vias(), strict=True):
                if reasons is not None and not _is_refused_for(target, reasons):
                    continue
                link = _link(log, line, from_url, target, via)
                yield LinkRow(link, _encode(link) + b"\n")


def _is_refused_for(target: Target, reasons: frozenset[str]) -> bool:
    return not isinstance(target, int) and target[0] in reasons


def _link(log: LogIndex, line: int, from_url: str, target: Target, via: str | None) -> Link:
    if not isinstance(target, int):
        reason, url, _ = target
        return Link(line=line, from_url=from_url, to_url=url, via=via, refused=reason)
    entry = log.entry(target)
    kind = via or (entry.via if entry.found_on == line else None)
    return Link(line=line, from_url=from_url, to=target, to_url=entry.url, via=kind)
