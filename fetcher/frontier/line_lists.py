"""Lists of lines in msgpack, made of many numbers at once: nobody looks at one of them alone."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from fetcher.frontier.key_table import Numbers
from fetcher.frontier.msgpack_arrays import array_of

_UINT16, _UINT32 = 0xCD, 0xCE  # types of msgpack
_decode: Final = msgspec.msgpack.Decoder(list[int]).decode


class LineLists:
    """Lines of the log, of which each list is a part."""

    def __init__(self, lines: Numbers) -> None:
        is_short = int(lines.max(initial=0)) <= 0xFFFF
        items = np.empty(len(lines), [("type", "u1"), ("line", ">u2" if is_short else ">u4")])
        items["type"], items["line"] = _UINT16 if is_short else _UINT32, lines
        self._data, self._item_bytes = items.tobytes(), items.itemsize

    def part(self, begin: int, end: int) -> msgspec.Raw:
        """The lines `begin` to `end` - 1 of these as a list."""
        items = self._data[begin * self._item_bytes : end * self._item_bytes]
        return msgspec.Raw(array_of(items, end - begin))


def unpacked(lines: msgspec.Raw) -> list[int]:
    """A list."""
    return _decode(lines)
