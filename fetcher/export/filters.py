"""`--where`: conditions on a column of a row.

    name=value   name!=value   any plain column; without a value: the row has no value
    outcome=...  outcome!=...  a list of outcomes, as in `--outcome`
    name<value   <=  >  >=     numbers and times (Unix seconds, or ISO 8601)
    name~regex   name!~regex   texts: a match anywhere

`!=` is the negation of `=`, and `!~` of `~`, so a row without a value meets them. It meets no other
condition.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from fetcher.error_kinds import WORDS
from fetcher.errors import UsageError
from fetcher.export.columns import Column, Kind, find
from fetcher.input.formats import LineFormat
from fetcher.input.outcomes import outcomes_named
from fetcher.patterns import PatternError, Patterns

Condition = Callable[[Any], bool]  # of a row, or of a link of a crawl

# The first operator counts, so that a value may contain others.
_SYNTAX: Final = re.compile(r"(?s)(?P<name>.*?)\s*(?P<sign>!=|!~|>=|<=|=|~|<|>)(?P<value>.*)")
_ORDER: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ORDERED: Final = frozenset({Kind.INT, Kind.REAL, Kind.TIME})
_WORDS: Final = frozenset({Kind.TEXT, Kind.ID})


def conditions(texts: Sequence[str], of: LineFormat) -> list[Condition]:
    """Parse the values of `--where`; `of`: the format of the input. Raises UsageError."""
    return conditions_on(texts, lambda name: find(name, of))


def conditions_on(texts: Sequence[str], find_column: Callable[[str], Column]) -> list[Condition]:
    """The same for the columns that `find_column` finds. Raises UsageError."""
    return [_condition(text, find_column) for text in texts]


def _condition(text: str, find_column: Callable[[str], Column]) -> Condition:
    try:
        parts = _SYNTAX.fullmatch(text)
        if parts is None or not parts["name"]:
            raise UsageError("write it as COLUMN=VALUE, or with != < <= > >= ~ !~")
        column = find_column(parts["name"].strip())
        return _of_column(column, parts["sign"], parts["value"].strip())
    except UsageError as error:
        raise UsageError(f"--where {text!r}: {error}") from error


def _of_column(column: Column, sign: str, value: str) -> Condition:
    if column.kind not in _ORDERED | _WORDS | {Kind.FLAG}:
        raise UsageError(f"{column.name} cannot be compared (headers.NAME can)")
    get = column.value
    match sign:
        case "=" | "!=":
            positive = _equal(column, value)
        case "~" | "!~":
            positive = _matching(column, value)
        case _:
            return _ordered(column, sign, value)
    if sign.startswith("!"):
        return lambda row: not positive(get(row))
    return lambda row: positive(get(row))


def _equal(column: Column, value: str) -> Callable[[Any], bool]:
    if not value:
        return lambda found: found is None or found == ""
    if column.kind is Kind.FLAG:
        if value != "true":
            raise UsageError(f"{column.name} is true or missing: use =true, or {column.name}=")
        return lambda found: found is True
    if column.kind is Kind.ID:
        return lambda found: found is not None and str(found) == value
    if column.kind in _ORDERED:
        number = _number(column, value)
        return lambda found: bool(found == number)
    if column.name == "outcome":
        named = outcomes_named(value)
        return lambda found: found in named
    if column.name == "error_kind" and value not in WORDS:
        raise UsageError(f"there is no such error_kind; use {', '.join(sorted(WORDS))}")
    return lambda found: bool(found == value)


def _matching(column: Column, value: str) -> Callable[[Any], bool]:
    if column.kind not in _WORDS:
        raise UsageError(f"{column.name} is not a text: use = != < <= > >=")
    try:
        pattern = Patterns((value,))
    except PatternError as error:
        raise UsageError(str(error)) from error
    return lambda found: found is not None and pattern.found_in(str(found))


def _ordered(column: Column, sign: str, value: str) -> Condition:
    if column.kind not in _ORDERED:
        raise UsageError(f"{column.name} is a text: use = != ~ !~")
    compare, get, number = _ORDER[sign], column.value, _number(column, value)

    def condition(row: Any) -> bool:
        found = get(row)
        return found is not None and compare(found, number)

    return condition


def _number(column: Column, value: str) -> float:
    try:
        return int(value) if column.kind is Kind.INT else float(value)
    except ValueError:
        pass
    if column.kind is not Kind.TIME:
        what = "whole number" if column.kind is Kind.INT else "number"
        raise UsageError(f"{column.name} is a {what}, and {value!r} is not")
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(
            f"{value!r} is not a time: write it as 2026-01-31 or 2026-01-31T12:00:00 (UTC)"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()
