"""Serves a role's metrics and health where a port is set."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fetcher.settings.schema import Metrics
from fetcher.telemetry.ports import port_of
from fetcher.telemetry.snapshot import Snapshot


@contextlib.contextmanager
def serving(metrics: Metrics, role: str, number: int, name: str) -> Iterator[Snapshot[Any]]:
    """The role's snapshot, served while the block runs. Raises ConflictError, UsageError.

    `number`: which process of this role on this host it is, from 1.
    """
    port = port_of(metrics, role, number)
    snapshot: Snapshot[Any] = Snapshot(is_on=bool(port.port))
    if not port.port:
        yield snapshot
        return
    # The server and Prometheus' client cost memory and time: load them only where a port is set.
    from fetcher.telemetry.server import listening  # noqa: PLC0415

    with listening(port, snapshot, role, name):
        yield snapshot
