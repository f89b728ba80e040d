"""The way from a role to its port: a board, and who serves it where a port is set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fetcher.settings.schema import Metrics
from fetcher.telemetry.ports import port_of
from fetcher.telemetry.snapshot import Snapshot


@contextlib.contextmanager
def serving(metrics: Metrics, role: str, number: int, name: str) -> Iterator[Snapshot[Any]]:
    """The board that is served while the block runs. Raises ConflictError, UsageError."""
    port = port_of(metrics, role, number)
    board: Snapshot[Any] = Snapshot(is_on=bool(port.port))
    if not port.port:
        yield board
        return
    # The server and Prometheus' client cost memory and time: only where they are wanted.
    from fetcher.telemetry.server import listening  # noqa: PLC0415

    with listening(port, board, role, name):
        yield board
