"""A gzip member that unpacks to 1 GiB of zeros, built in a millisecond.

The same megabyte of zeros, compressed once and ended with a full flush, stands
alone in the stream and may be repeated. Nothing here ever holds it unpacked.
"""

import zlib
from functools import cache

UNPACKED = 1 << 30
"""Bytes after decompression."""

_UNIT = 1 << 20
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_LAST_BLOCK = b"\x03\x00"

_CRC = 0x5B64C2B0
"""CRC-32 of the unpacked gigabyte; a constant, as counting it takes half a second."""


@cache
def packed() -> bytes:
    """The whole member: about one megabyte."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    unit = deflate.compress(bytes(_UNIT)) + deflate.flush(zlib.Z_FULL_FLUSH)
    trailer = _CRC.to_bytes(4, "little") + UNPACKED.to_bytes(4, "little")
    return _HEADER + unit * (UNPACKED // _UNIT) + _LAST_BLOCK + trailer
