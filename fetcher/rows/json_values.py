"""Checks that a value has only JSON's types, which every row form and every reader can hold."""

from __future__ import annotations

import math
from typing import Any, Final

from fetcher.rows.printable import encodable

_MAX_DEPTH: Final = 50
_INTEGERS: Final = range(-(1 << 63), 1 << 64)  # what JSON readers elsewhere can hold


def json_object(value: dict[Any, Any]) -> dict[str, Any]:
    """Copy the value into plain dicts, lists, texts, numbers, booleans and None.

    Raises ValueError, which names the place in the value.
    """
    copy: dict[str, Any] = _copy(value, "", _MAX_DEPTH)
    return copy


def _copy(value: Any, place: str, depth: int) -> Any:
    if depth < 0:
        raise ValueError(f"more than {_MAX_DEPTH} levels deep")
    match value:
        case None | bool():
            return value
        # Subtypes (an enum, a number of numpy) become the plain types.
        case str():
            return encodable(value)
        case int():
            if int(value) not in _INTEGERS:
                raise ValueError(f"{place}: the number has more than 64 bits")
            return int(value)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{place}: {value} is not a JSON number")
            return float(value)
        case list() | tuple():
            return [_copy(item, f"{place}[{n}]", depth - 1) for n, item in enumerate(value)]
        case dict():
            return {
                _key(k, place): _copy(v, _inside(place, k), depth - 1) for k, v in value.items()
            }
    raise ValueError(f"{place}: {type(value).__name__} is not a JSON value")


def _key(key: Any, place: str) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{place or 'its keys'}: {key!r} is not a text, as a key must be")
    return encodable(key)


def _inside(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)
