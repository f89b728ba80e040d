"""Makes a msgpack array of items that are encoded already.

https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family
"""

from __future__ import annotations

import struct
from typing import Final

_HEAD: Final = struct.Struct(">BI")
_ARRAY_32: Final = 0xDD


def array_of(items: bytes, count: int) -> bytes:
    """The array of so many items, of which each follows the one before."""
    return _HEAD.pack(_ARRAY_32, count) + items
