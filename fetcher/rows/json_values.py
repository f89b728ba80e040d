"""Whether a value is one that every row form can hold, and every reader reads: JSON's kinds."""

from __future__ import annotations

import math
from typing import Any, Final

_MOST_DEPTH: Final = 50
_INTEGERS: Final = range(-(1 << 63), 1 << 64)  # what JSON readers elsewhere can hold


def json_object(value: dict[Any, Any]) -> dict[str, Any]:
    """A copy in plain dicts, lists, texts, numbers, booleans and None.

    Raises ValueError, which names the place.
    """
    copy: dict[str, Any] = _copy(value, "", _MOST_DEPTH)
    return copy


def _copy(value: Any, place: str, depth: int) -> Any:
    if depth < 0:
        raise ValueError(f"more than {_MOST_DEPTH} levels deep")
    match value:
        case None | bool():
            return value
        # Kinds that are made of these (an enum, a number of numpy's) become them.
        case str():
            return _text(value)
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
    return _text(key)


def _text(value: str) -> str:
    """What UTF-8 has no bytes for is escaped."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _inside(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)
