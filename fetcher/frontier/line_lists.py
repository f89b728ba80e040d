"""Lists of lines in msgpack, made of many numbers at once: nobody looks at one of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from fetcher.frontier.key_table import Numbers
from fetcher.frontier.msgpack_arrays import array_of

_UINT16, _UINT32 = 0xCD, 0xCE  # types of msgpack
_decode: Final = msgspec.msgpack.Decoder(list[int]).decode


def parts(lines: Numbers, starts: Sequence[int]) -> list[msgspec.Raw]:
    """Lists of these lines, of which each begins at its start and ends at the next one."""
    is_short = int(lines.max(initial=0)) <= 0xFFFF
    items = np.empty(len(lines), [("type", "u1"), ("line", ">u2" if is_short else ">u4")])
    items["type"], items["line"] = _UINT16 if is_short else _UINT32, lines
    data, size = items.tobytes(), items.itemsize
    return [
        msgspec.Raw(array_of(data[begin * size : end * size], end - begin))
        for begin, end in pairwise(starts)
    ]


def unpacked(lines: msgspec.Raw) -> list[int]:
    """A list."""
    return _decode(lines)
