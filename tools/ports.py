"""Free ports for servers that must be given a port.

They are outside of the range from which the system takes ports for clients, and none is given
twice.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from typing import Final

_LOWEST: Final = 20_000
_COUNT: Final = 12_000  # Linux gives clients those from 32,768
_STRIDE: Final = 9
_steps = itertools.count()  # what this process has asked for so far


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """The first of `count` consecutive free ports of loopback.

    Each process begins elsewhere: those that run at the same time must not meet each other's
    roles. Raises RuntimeError where there are none.
    """
    if count > _STRIDE:
        raise ValueError(f"no more than {_STRIDE} ports at once")
    for step in itertools.islice(_steps, _COUNT // _STRIDE):
        base = _LOWEST + (os.getpid() * 35 + step * _STRIDE) % _COUNT
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    probe = stack.enter_context(socket.socket(socket.AF_INET, kind))
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise RuntimeError("no free ports")
