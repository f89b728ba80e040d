"""An export: rows or links, chosen, maybe sorted, and written to a file or a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fetcher.export import target
from fetcher.export.columns import Record
from fetcher.export.filters import Condition
from fetcher.export.forms import Form, Writer
from fetcher.export.links import LinkRow
from fetcher.export.merged import Merged, Row
from fetcher.export.sorting import by_line


class Export(NamedTuple):
    """The rows or links to write, and their form."""

    rows: Iterable[Record]  # read once
    form: Form
    outs: Sequence[Path]  # directories that must not be written to

    def to_file(self, path: Path, *, force: bool) -> int:
        """Make the file; returns its number of rows. Raises FetcherError; then no file is made."""
        target.check(path, self.outs, force=force)
        with target.written_whole(path, force=force) as (file, part):
            return self._write(self.form.writer(file, part))

    def to_stream(self, file: BinaryIO) -> int:
        """Write to a pipe or terminal; returns the number of rows. Raises FetcherError."""
        return self._write(self.form.writer(file, None))

    def _write(self, writer: Writer) -> int:
        count = 0
        try:
            for row in self.rows:
                writer.write(row)
                count += 1
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        return count


def chosen_links(rows: Iterable[LinkRow], conditions: Sequence[Condition]) -> Iterator[LinkRow]:
    """The links that meet all conditions."""
    return (row for row in rows if all(met(row.result) for met in conditions))


def chosen_rows(merged: Merged, conditions: Sequence[Condition], *, sort: bool) -> Iterable[Row]:
    """The rows that meet all conditions; with `sort`, in the order of their lines."""
    rows: Iterable[Row] = merged.rows()
    if conditions:
        rows = (row for row in rows if all(met(row.result) for met in conditions))
    return by_line(rows) if sort else rows
