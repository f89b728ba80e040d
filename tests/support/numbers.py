"""One example of the numbers of each role."""

from __future__ import annotations

from typing import Final

from fetcher.input.source_info import SourceInfo
from fetcher.leases.lease_stats import LeaseStats, OldestLine
from fetcher.protocol.messages import RouteLoad, State
from fetcher.protocol.totals import Totals
from fetcher.telemetry.histogram import Distribution
from fetcher.telemetry.numbers import AnyNumbers, SinkNumbers, VentilatorNumbers, WorkerNumbers

_TOTALS: Final = Totals(5, {"ok": 3, "dns": 2}, {200: 2, 301: 1, 0: 2}, 70)
_SPREAD: Final = Distribution((0.5, 1.0), (3, 0, 2), 9.25)

EXAMPLES: Final[dict[str, AnyNumbers]] = {
    "sink": SinkNumbers(
        trouble="",
        dropped={"malformed": 2},
        refused={},
        totals=_TOTALS,
        duplicates=1,
        pending_bytes=10,
        row_bytes=99,
        commit_s=_SPREAD,
        commit_rows=_SPREAD,
        is_stalled=False,
    ),
    "ventilator": VentilatorNumbers(
        trouble="",
        dropped={},
        refused={"unknown_key": 4},
        state=State(
            job="j",
            phase="running",
            totals=_TOTALS,
            source=SourceInfo(url_lines=9, fraction=0.5),
            in_flight=7,
            workers=2,
            redelivered=3,
            ventilator_number=1,
        ),
        table=LeaseStats(1, 2, 3, 1, 8, 4, 5, OldestLine(6, 1.5, "a"), {"a": 2}),
        lines_read=8,
        hosts=11,
        sinks_silent_s=(0.25, 7.5),
        routes=(RouteLoad("default", 2, 1, 9, 0), RouteLoad("eu", 0, 0, 0, 1200)),
    ),
    "worker": WorkerNumbers(
        trouble="",
        dropped={},
        refused={},
        outcomes={"ok": 3, "http_error": 1},
        statuses={200: 3, 404: 1},
        body_bytes=70,
        row_bytes=99,
        exchanges=6,
        retries=1,
        lookups={"found": 2, "no_name": 1},
        in_flight=2,
        queued=3,
        parked=4,
        pool_size=8,
        leases=2,
        unsent_bytes=1,
        hosts=5,
        loop_lag_s=_SPREAD,
        ventilator_silent_s=0.5,
    ),
}
