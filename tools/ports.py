"""Free ports for servers that must be given a port.

They are outside of the range from which the system takes ports for clients, and none is given
twice: neither by this process nor by another one that runs at the same time.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import socket
from collections import deque
from typing import Final

_LOWEST: Final = 20_000
_STRIDE: Final = 9
_SLOTS: Final = 12_000 // _STRIDE  # Linux gives clients the ports from 32,768 on
_BEGIN_STEP: Final = 4  # processes that run at the same time begin elsewhere
# A role may take some time to bind its ports, or may start again: claims are kept for so long.
_MOST_CLAIMS: Final = 64
_steps = itertools.count()  # what this process has asked for so far
_claims: deque[socket.socket] = deque()


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """The first of `count` consecutive free ports of loopback.

    Raises RuntimeError where there are none.
    """
    if count > _STRIDE:
        raise ValueError(f"no more than {_STRIDE} ports at once")
    for step in itertools.islice(_steps, _SLOTS):
        slot = (os.getpid() * _BEGIN_STEP + step) % _SLOTS
        if _are_free(_LOWEST + slot * _STRIDE, count, kind) and _claim(slot):
            return _LOWEST + slot * _STRIDE
    raise RuntimeError("no free ports")


def _are_free(base: int, count: int, kind: socket.SocketKind) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for port in range(base, base + count):
                probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim(slot: int) -> bool:
    """Claim the slot for this process; False: another one has it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0fetcher-test-ports-{slot}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    if len(_claims) > _MOST_CLAIMS:
        _claims.popleft().close()
    return True


@atexit.register
def _give_back() -> None:
    while _claims:
        _claims.popleft().close()
