"""The format of a URL file's lines: what all roles agree on, from the first line to `verify`.

Law: everybody who asks which lines are URL lines, or what a line's URL is, asks with the same
LineFormat. The ventilator makes it, once; it travels with the tasks and stays in the manifest.
Every URL line gives exactly one task, whatever its bytes are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from fetcher.input import csv_lines, json_lines, lines, request_fields
from fetcher.model import Result, Task

# Of what a line is. It rises when the same bytes would give other lines, or these another text: a
# job that was begun by other rules cannot go on by these.
RULES: Final = 2
_MOST_COLUMNS: Final = lines.MAX_LINE_BYTES + 1


class LineFormat(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a line is; all but `kind` is for csv."""

    kind: Literal["text", "jsonl", "csv"]
    delimiter: Literal[",", "\t"] = ","
    columns: Annotated[
        tuple[str, ...], Meta(max_length=_MOST_COLUMNS)
    ] = ()  # as the file's first line names them
    url_column: str = ""
    keep_columns: bool = False  # as in the manifests of jobs that were begun before it existed

    def __post_init__(self) -> None:
        if self.kind == "csv" and self.url_column not in self.columns:
            raise ValueError("no such column as url_column")

    def __str__(self) -> str:
        if self.kind != "csv":
            return self.kind
        kept = "all columns kept" if self.keep_columns else "other columns not kept"
        by = "tab" if self.delimiter == "\t" else "comma"
        return f"csv (by {by}, {len(self.columns)} columns, URLs in {self.url_column!r}, {kept})"


TEXT: Final = LineFormat("text")

TextsOf = Callable[[list[bytes]], list[bytes]]
TaskOf = Callable[[int, bytes], Task]


def reader(of: LineFormat) -> TextsOf:
    """Called with all physical lines in order, list by list: their texts, b"" for no URL line."""
    return csv_lines.Reader(of.delimiter) if of.kind == "csv" else lines.url_lines


def counter(of: LineFormat) -> TextsOf:
    """As a reader, for those who only count: the same lines are URL lines."""
    return csv_lines.Reader(of.delimiter, marks=False) if of.kind == "csv" else lines.url_lines


def decoder(of: LineFormat) -> TaskOf:
    """Called with a URL line's number and its text, as a reader gave it: its task."""
    match of.kind:
        case "text":
            return lines.task_of
        case "jsonl":
            return _of_text(json_lines.task_of)
        case "csv":
            return _of_text(
                csv_lines.task_maker(of.delimiter, of.columns, of.url_column, of.keep_columns)
            )


def _of_text(task_of_text: Callable[[int, str], Task]) -> TaskOf:
    def task_of(line: int, raw: bytes) -> Task:
        task = lines.text_of(line, raw)
        if task.fault is None:
            return task_of_text(line, task.url)
        return Task(line, request_fields.raw(task.url.rstrip("\r")), task.fault)

    return task_of


def named(result: Result, task: Task) -> Result:
    """The result with what its line wants back: its id, its other columns."""
    if task.id is None and task.columns is None:
        return result
    unset = msgspec.UNSET
    return msgspec.structs.replace(
        result,
        id=unset if task.id is None else task.id,
        columns=unset if task.columns is None else task.columns,
    )
