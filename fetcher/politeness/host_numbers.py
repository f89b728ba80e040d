"""The numbers by which workers and the host broker name hosts to each other. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable


def numbers_of(hosts: Iterable[str]) -> list[int]:
    """Hash the names of hosts to numbers of 63 bits, the same in every process."""
    digests = [
        hashlib.blake2b(host.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for host in hosts
    ]
    # One call for all digests: int.from_bytes takes as long as the rest of a short hash.
    numbers = struct.unpack(f"<{len(digests)}Q", b"".join(digests))
    return [number >> 1 for number in numbers]


def number_of(host: str) -> int:
    """See `numbers_of`."""
    return numbers_of((host,))[0]
