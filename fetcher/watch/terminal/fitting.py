"""Fits text to a terminal of any width: leaves out whole parts and columns, never cuts a number.

rich draws the tables; left alone, it would cut numbers or break lines where a table is too wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_MOST_PORT: Final = 6  # of `:65535`


def cut_middle(text: str, width: int, tail: int = 0) -> str:
    """The text, cut in its middle to `width` columns; the last `tail` columns stay."""
    if cell_len(text) <= width:
        return text
    if width < 2:
        return "…"[:width]
    end = min(max(tail, (width - 1) // 2), width - 1)
    begin = width - 1 - end
    return f"{set_cell_size(text, begin)}…{set_cell_size(text[::-1], end)[::-1]}"


def port_columns(host: str) -> int:
    """The length of a host's port with its colon; 0 without a port."""
    port = host[host.rfind(":") :]
    return len(port) if len(port) <= _MOST_PORT and port[1:].isdigit() else 0


def parts_that_fit(parts: Sequence[Text], width: int, separator: str = " · ") -> Text:
    """As many of the first parts as fit in a line; the first part is cut where it is too long."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for part in parts:
        gap = separator if line else ""
        if line.cell_len + cell_len(gap) + part.cell_len <= width:
            line.append(gap).append_text(part)
    return line or Text.assemble(*parts[:1], no_wrap=True, overflow="ellipsis")


class Column(NamedTuple):
    """A column of a table; if not all fit, the one with the highest `rank` is left out first.

    `least`: the terminal columns that a text needs at least; texts share the remaining room by
    their `ratio`. None: the column is as wide as its cells, as a number needs it.
    """

    name: str
    rank: int = 0
    least: int | None = None
    ratio: int = 1
    is_left: bool = False  # aligned to the left, though it is not text


def columns_that_fit(needs: Sequence[int], ranks: Sequence[int], width: int, gap: int) -> list[int]:
    """The columns that stay, in order; the one of the lowest rank always does."""
    stay = list(range(len(needs)))
    while len(stay) > 1 and sum(needs[at] for at in stay) + gap * (len(stay) - 1) > width:
        stay.remove(max(stay, key=lambda at: (ranks[at], at)))
    return stay


def shared(room: int, ratios: Sequence[int]) -> list[int]:
    """The room divided by these ratios; each part is at least 1."""
    parts = [max(room * ratio // sum(ratios), 1) for ratio in ratios]
    return [*parts[:-1], max(room - sum(parts[:-1]), 1)]


class Name:
    """A name such as a host: cut in its middle where it is too long, but never in its port."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, cell_len(self.text)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = cut_middle(self.text, options.max_width, port_columns(self.text))
        yield Text(shown, no_wrap=True, overflow="ellipsis")


class Parts:
    """Parts in a line; the last ones are left out where they do not fit.

    After a title there is a part or `…`, so that no number is cut.
    """

    def __init__(
        self, parts: Sequence[Text | str], separator: str = " · ", title: str = ""
    ) -> None:
        self._title = title
        self._separator = separator
        self._parts = [Text(part) if isinstance(part, str) else part for part in parts]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(options.max_width - cell_len(self._title), 1)
        has_room = not self._title or any(part.cell_len <= room for part in self._parts)
        said = parts_that_fit(self._parts if has_room else [Text("…")], room, self._separator)
        yield Text.assemble(self._title, said, no_wrap=True, overflow="ellipsis")


Cell: TypeAlias = Name | Text | str


class FittingTable:
    """A table that leaves out columns that do not fit: by rank, of equal ranks the last first.

    `is_ruled`: a line stands under the header; `fills`: the table takes all of the width.
    """

    def __init__(
        self, columns: Sequence[Column], *, is_ruled: bool = False, fills: bool = True
    ) -> None:
        self._columns = columns
        self._rows: list[Sequence[Cell]] = []
        self._is_ruled = is_ruled
        self._fills = fills

    def add_row(self, *cells: Cell) -> None:
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(
            box=box.SIMPLE_HEAD if self._is_ruled else None,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1),
            header_style="table.header" if self._is_ruled else "dim",
        )
        widths = self._widths(options.max_width)
        for at, width in widths.items():
            column = self._columns[at]
            table.add_column(
                Text(column.name, no_wrap=True, overflow="ellipsis"),
                justify="left" if column.least is not None or column.is_left else "right",
                no_wrap=True,
                overflow="ellipsis",
                width=width,
            )
        for row in self._rows:
            table.add_row(*(row[at] for at in widths))
        yield table

    def _widths(self, width: int) -> dict[int, int]:
        """The width of each column that stays."""
        gap = 3 if self._is_ruled else 2
        naturals = [self._natural(at) for at in range(len(self._columns))]
        needs = [
            natural if column.least is None else min(natural, column.least)
            for natural, column in zip(naturals, self._columns, strict=True)
        ]
        stay = columns_that_fit(needs, [each.rank for each in self._columns], width, gap)
        texts = [at for at in stay if self._columns[at].least is not None]
        room = width - gap * (len(stay) - 1) - sum(needs[at] for at in stay if at not in texts)
        found = {at: min(needs[at], width) for at in stay}
        if texts and (self._fills or sum(naturals[at] for at in texts) > room):
            shares = shared(room, [self._columns[at].ratio for at in texts])
            found |= dict(zip(texts, shares, strict=True))
        else:
            found |= {at: naturals[at] for at in texts}
        return found

    def _natural(self, at: int) -> int:
        longest = max((_length(row[at]) for row in self._rows), default=0)
        return max(cell_len(self._columns[at].name), longest)


def _length(cell: Cell) -> int:
    if isinstance(cell, Name):
        return cell_len(cell.text)
    return cell.cell_len if isinstance(cell, Text) else cell_len(cell)
