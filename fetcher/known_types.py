"""Lets msgspec learn a type in one thread, before another one uses it.

msgspec reads the fields of a Struct when it first decodes or converts to it. Another thread that
uses the Struct meanwhile ends the process (seen with msgspec 0.22). A decoder that a module makes
when it is imported has learnt its type; this is for types that are named at each call.
"""

from __future__ import annotations

import threading
from typing import Final, TypeVar

import msgspec

_T = TypeVar("_T")

_known: Final[set[object]] = set()
_lock: Final = threading.Lock()


def known(kind: type[_T]) -> type[_T]:
    """The type itself, which msgspec knows from now on."""
    if kind not in _known:
        with _lock:
            msgspec.msgpack.Decoder(kind)
            _known.add(kind)
    return kind
