"""One export: rows in, chosen, perhaps sorted; written whole to a file, or to a stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from fetcher.export import target
from fetcher.export.filters import Condition
from fetcher.export.forms import Form, Writer
from fetcher.export.merged import Merged, Row
from fetcher.export.sorting import by_line


class Export(NamedTuple):
    """What to take, and how."""

    merged: Merged
    form: Form
    conditions: Sequence[Condition]
    sort: bool  # by line

    def to_file(self, path: Path, *, force: bool) -> int:
        """Make the file; the number of its rows. Raises FetcherError, and then there is none."""
        target.check(path, [each.out for each in self.merged.parts], force=force)
        with target.written_whole(path, force=force) as (file, part):
            return self._write(self.form.writer(file, part))

    def to_stream(self, file: BinaryIO) -> int:
        """Write to a pipe or terminal; the number of rows."""
        return self._write(self.form.writer(file, None))

    def _write(self, writer: Writer) -> int:
        count = 0
        try:
            for row in chosen_rows(self.merged, self.conditions, sort=self.sort):
                writer.write(row)
                count += 1
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        return count


def chosen_rows(merged: Merged, conditions: Sequence[Condition], *, sort: bool) -> Iterable[Row]:
    """The rows that meet all conditions; `sort`: by line."""
    rows: Iterable[Row] = merged.rows()
    if conditions:
        rows = (row for row in rows if all(met(row.result) for met in conditions))
    return by_line(rows) if sort else rows
