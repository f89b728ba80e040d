"""Headers as large as any may be, made to cost as much as they can: nested, many, or lying."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import msgpack

from fetcher.protocol import codec
from tools.fuzz.mutate import Mutator, header_of

_ROOM: Final = codec.MAX_HEADER_BYTES - 1_000


def _array(item: bytes, count: int) -> bytes:
    return b"\xdd" + struct.pack(">I", count) + item * count


def _map_of_numbers(value: bytes) -> bytes:
    count = _ROOM // (5 + len(value))
    entries = (b"\xce" + struct.pack(">I", key) + value for key in range(count))
    return b"\xdf" + struct.pack(">I", count) + b"".join(entries)


def _map_of_texts(value: bytes) -> bytes:
    count = _ROOM // (6 + len(value))
    entries = (b"\xa5" + b"%05x" % (key & 0xFFFFF) + value for key in range(count))
    return b"\xdf" + struct.pack(">I", count) + b"".join(entries)


def _with(head: dict[str, Any], key: str, packed: bytes) -> bytes:
    """The header with these bytes as the value of `key`, which is moved to its end."""
    rest = header_of({name: value for name, value in head.items() if name != key})
    # The byte after the version says how many entries the map has, up to 15.
    return b"".join([rest[:1], bytes([rest[1] + 1]), rest[2:], msgpack.packb(key), packed])


def bombs() -> Iterator[tuple[str, bytes]]:
    """What each header is, and its bytes: one at a time, as all together need 20 GB and more."""
    # Each item with a large cost for its few bytes, as many of them as one header holds.
    heavy = {
        "nulls": _array(b"\xc0", _ROOM),
        "empty maps": _array(b"\x80", _ROOM),
        "empty arrays": _array(b"\x90", _ROOM),
        "arrays of empty maps": _array(_array(b"\x80", 1_900_000), 8),
        "short texts": _array(b"\xa1x", _ROOM // 2),
        "numbers": _array(b"\xcd\x7f\xff", _ROOM // 3),
        "a nest of arrays": b"\x91" * _ROOM,
        "a nest of maps": b"\x81\x01" * (_ROOM // 2),
        "a map of numbers": _map_of_numbers(b"\x01"),
        "a map of texts": _map_of_texts(b"\x80"),
        "a text": b"\xdb" + struct.pack(">I", _ROOM) + b"x" * (_ROOM - 4) + "\U0001f600".encode(),
        "bytes": b"\xc6" + struct.pack(">I", _ROOM) + b"\xff" * _ROOM,
        "an extension": b"\xc9" + struct.pack(">I", _ROOM) + b"\x05" + b"x" * _ROOM,
        "a lie of its length": b"\xdd\xff\xff\xff\xff",
    }
    for head in Mutator(0).trees():
        for key in [*head, "unknown"]:
            if key != "t":
                for name, packed in heavy.items():
                    yield f"{head['t']}.{key}: {name}", _with(head, key, packed)
