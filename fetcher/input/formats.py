"""The format of a URL file's lines, and the readers and decoders for each format.

All roles and `verify` must agree on which lines are URL lines and on their URLs, so all of them use
the same LineFormat. The ventilator makes it once; it is sent with the tasks and stored in the
manifest. Every URL line gives exactly one task, whatever its bytes are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from fetcher.input import csv_lines, json_lines, lines, log_lines, request_fields
from fetcher.model import Result, Task

# The version of the rules for lines. Raise it when the same bytes would give other URL lines or
# other texts: a job that was begun with other rules cannot be resumed with these.
RULES: Final = 2
_MOST_COLUMNS: Final = lines.MAX_LINE_BYTES + 1


class LineFormat(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The format of the lines; all fields except `kind` are for csv."""

    kind: Literal["text", "jsonl", "csv", "log"]  # "log": the log of a crawl
    delimiter: Literal[",", "\t"] = ","
    columns: Annotated[
        tuple[str, ...], Meta(max_length=_MOST_COLUMNS)
    ] = ()  # as the file's first line names them
    url_column: str = ""
    keep_columns: bool = False  # older manifests do not have it, and mean false

    def __post_init__(self) -> None:
        if self.kind == "csv" and self.url_column not in self.columns:
            raise ValueError("url_column is not one of the columns")

    def __str__(self) -> str:
        if self.kind != "csv":
            return self.kind
        kept = "all columns kept" if self.keep_columns else "other columns not kept"
        by = "tab" if self.delimiter == "\t" else "comma"
        return f"csv (by {by}, {len(self.columns)} columns, URLs in {self.url_column!r}, {kept})"


TEXT: Final = LineFormat("text")
LOG: Final = LineFormat("log")


def longest_line(of: LineFormat) -> int:
    """The bytes of a line beyond which it is cut and called too long."""
    return log_lines.MAX_BYTES if of.kind == "log" else lines.MAX_LINE_BYTES


TextsOf = Callable[[list[bytes]], list[bytes]]
TaskOf = Callable[[int, bytes], Task]


def reader(of: LineFormat) -> TextsOf:
    """Return a function from physical lines to their texts, b"" for those that are not URL lines.

    It must be called with all lines of the file, in order.
    """
    return csv_lines.Reader(of.delimiter) if of.kind == "csv" else lines.url_lines


def counter(of: LineFormat) -> TextsOf:
    """Return a faster reader for counting: the texts may differ, the URL lines are the same."""
    return csv_lines.Reader(of.delimiter, marks=False) if of.kind == "csv" else lines.url_lines


def decoder(of: LineFormat) -> TaskOf:
    """Return a function from a URL line's number and its text (from a reader) to its task."""
    match of.kind:
        case "text":
            return lines.task_of
        case "jsonl":
            return _decoded(json_lines.task_of)
        case "log":
            return log_lines.task_of
        case "csv":
            return _decoded(
                csv_lines.task_maker(of.delimiter, of.columns, of.url_column, of.keep_columns)
            )


def _decoded(task_of_text: Callable[[int, str], Task]) -> TaskOf:
    def task_of(line: int, raw: bytes) -> Task:
        task = lines.text_of(line, raw)
        if task.fault is None:
            return task_of_text(line, task.url)
        return Task(line, request_fields.raw(task.url.rstrip("\r")), task.fault)

    return task_of


def named(result: Result, task: Task) -> Result:
    """The result with the id and the columns of its line, and how a crawl found it."""
    if task.id is None and task.columns is None and task.found is None:
        return result
    unset, found = msgspec.UNSET, task.found
    if task.id is not None or task.columns is not None:
        result = msgspec.structs.replace(
            result,
            id=unset if task.id is None else task.id,
            columns=unset if task.columns is None else task.columns,
        )
    if found is None:
        return result
    return msgspec.structs.replace(
        result, depth=found.depth, found_on=found.found_on or unset, via=found.via
    )
