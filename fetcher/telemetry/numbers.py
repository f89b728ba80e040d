"""The numbers that each role exposes on its port: plain data of one moment.

Counts are since the process began, except `totals`, which are those of the job. `trouble` says why
the role is not healthy; "" where it is.
"""

from __future__ import annotations

import msgspec

from fetcher.leases.lease_stats import LeaseStats
from fetcher.protocol.messages import RouteLoad, State
from fetcher.protocol.totals import Totals
from fetcher.telemetry.histogram import Distribution


class _Common(msgspec.Struct, frozen=True, kw_only=True):
    trouble: str
    dropped: dict[str, int]  # messages, by reason
    refused: dict[str, int]  # peers, by reason


class SinkNumbers(_Common, frozen=True, kw_only=True):
    totals: Totals
    duplicates: int  # rows dropped because their line had a row
    pending_bytes: int  # rows taken and not committed yet
    row_bytes: int  # committed
    commit_s: Distribution
    commit_rows: Distribution
    is_stalled: bool


class VentilatorNumbers(_Common, frozen=True, kw_only=True):
    state: State
    table: LeaseStats
    lines_read: int
    hosts: int  # known to the host broker
    sinks_silent_s: tuple[float, ...]  # since each was last heard
    routes: tuple[RouteLoad, ...] = ()  # none: the job has only the default one


class WorkerNumbers(_Common, frozen=True, kw_only=True):
    outcomes: dict[str, int]  # rows handed to the sink
    statuses: dict[int, int]
    body_bytes: int
    row_bytes: int
    exchanges: int  # requests made: hops and attempts
    retries: int
    lookups: dict[str, int]  # of names, by how they ended
    in_flight: int
    queued: int  # lines next for the pool
    parked: int  # lines that wait outside of it
    pool_size: int
    leases: int
    unsent_bytes: int  # rows that wait for a sink
    hosts: int  # that the worker may ask, and has lines for
    loop_lag_s: Distribution
    ventilator_silent_s: float


AnyNumbers = SinkNumbers | VentilatorNumbers | WorkerNumbers
