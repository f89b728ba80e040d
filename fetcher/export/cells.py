"""Turns values into table cells (numbers and texts), for formats without lists."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import msgspec

from fetcher.errors import DamageError
from fetcher.export.columns import Column, Kind
from fetcher.model import Result

Cell = Callable[[Result], Any]


def utc(seconds: float) -> str:
    """Unix time as 2026-01-31T12:00:00.000000Z. Raises DamageError if there is no such time."""
    try:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise DamageError(
            f"started_at: {seconds} is not a time; `fetcher verify` says more"
        ) from error
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def cell(column: Column) -> Cell:
    """A function that returns a row's cell: number, text or None; lists and objects as JSON."""
    get = column.value
    match column.kind:
        case Kind.TIME:
            return lambda row: None if (found := get(row)) is None else utc(found)
        case Kind.TEXTS | Kind.PAIRS | Kind.MAP | Kind.JSON | Kind.FLAG:
            return lambda row: None if (found := get(row)) is None else json_text(found)
        case _:
            return get


def json_text(value: Any) -> str:
    """The value as JSON, as in the rows."""
    return msgspec.json.encode(value).decode()
