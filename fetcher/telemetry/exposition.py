"""Numbers in Prometheus' text format, by its official client.

Only this file knows the client, and it is imported only where a port is set. Names are
`fetcher_<role>_…`, in base units; a counter may begin above 0, as a job's totals outlive a process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from fetcher import __version__
from fetcher.protocol.messages import Phase, RouteLoad
from fetcher.protocol.totals import Totals
from fetcher.telemetry.histogram import Distribution
from fetcher.telemetry.numbers import AnyNumbers, SinkNumbers, VentilatorNumbers, WorkerNumbers
from fetcher.telemetry.snapshot import Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PHASES: Final = get_args(Phase)


class Exposition:
    """Turns the newest numbers of a snapshot into a page."""

    def __init__(self, snapshot: Snapshot[Any], role: str) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_SnapshotCollector(snapshot, role))

    def page(self) -> bytes:
        """All metrics, as they are now."""
        page: bytes = generate_latest(self._registry)
        return page


class _SnapshotCollector(Collector):
    def __init__(self, snapshot: Snapshot[AnyNumbers], role: str) -> None:
        self._snapshot = snapshot
        self._role = role

    def collect(self) -> Iterator[Metric]:
        build = {"version": __version__, "role": self._role}
        yield InfoMetricFamily("fetcher_build", "The program and its role.", build)
        numbers, _ = self._snapshot.latest()
        if numbers is None:
            return
        yield from _common(f"fetcher_{self._role}", numbers)
        match numbers:
            case SinkNumbers():
                yield from _sink(numbers)
            case VentilatorNumbers():
                yield from _ventilator(numbers)
            case WorkerNumbers():
                yield from _worker(numbers)


def _common(prefix: str, numbers: AnyNumbers) -> Iterator[Metric]:
    yield _gauge(f"{prefix}_healthy", "1 while /healthz sees no trouble.", not numbers.trouble)
    yield _counts(
        f"{prefix}_messages_dropped", "Messages dropped, by reason.", "reason", numbers.dropped
    )
    yield _counts(
        f"{prefix}_peers_refused", "Peers that were refused, by reason.", "reason", numbers.refused
    )


def _sink(n: SinkNumbers) -> Iterator[Metric]:
    yield from _job_metrics("fetcher_sink", n.totals)
    yield _counter(
        "fetcher_sink_duplicate_rows", "Rows dropped, as their line had one.", n.duplicates
    )
    yield _counter("fetcher_sink_written_bytes", "Bytes of rows committed.", n.row_bytes)
    yield _gauge("fetcher_sink_pending_bytes", "Rows taken and not committed.", n.pending_bytes)
    yield _gauge(
        "fetcher_sink_stalled", "1 while the disk is full and nothing is committed.", n.is_stalled
    )
    yield _histogram("fetcher_sink_commit_duration_seconds", "How long a commit took.", n.commit_s)
    yield _histogram("fetcher_sink_commit_rows", "Rows in one commit.", n.commit_rows)


def _ventilator(n: VentilatorNumbers) -> Iterator[Metric]:
    state, table, prefix = n.state, n.table, "fetcher_ventilator"
    yield from _job_metrics(prefix, state.totals)
    phases = GaugeMetricFamily(
        f"{prefix}_phase", "1 for the phase that the job is in.", labels=["phase"]
    )
    for phase in _PHASES:
        phases.add_metric([phase], state.phase == phase)
    yield phases
    source = state.source
    yield _counter(f"{prefix}_read_lines", "URL lines read, those done included.", n.lines_read)
    yield _gauge(f"{prefix}_url_lines", "URL lines counted so far.", source.url_lines)
    counted = 1.0 if source.at_end else source.fraction
    yield _gauge(f"{prefix}_counted_ratio", "Of the input that has been counted.", counted)
    yield _gauge(f"{prefix}_workers", "Workers that live.", state.workers)
    yield _gauge(f"{prefix}_in_flight_fetches", "Fetches in flight, all workers.", state.in_flight)
    yield _counter(f"{prefix}_redelivered_lines", "URL lines handed out again.", state.redelivered)
    leases = {"sent": table.sent, "claimed": table.claimed, "finished": table.finished}
    family = GaugeMetricFamily(f"{prefix}_leases", "Open leases, by state.", labels=["state"])
    for name, count in leases.items():
        family.add_metric([name], count)
    yield family
    yield _gauge(f"{prefix}_parked_leases", "Leases that only wait for hosts.", table.parked)
    yield _gauge(f"{prefix}_leased_lines", "Uncommitted lines under a lease.", table.lines)
    yield _gauge(f"{prefix}_open_batches", "Batches with uncommitted lines.", table.open_batches)
    yield _gauge(f"{prefix}_waiting_batches", "Batches to be handed out (again).", table.waiting)
    yield _gauge(
        f"{prefix}_oldest_lease_age_seconds",
        "Age of the oldest open lease.",
        table.oldest.age_s if table.oldest else 0.0,
    )
    yield _gauge(
        f"{prefix}_hosts",
        "Hosts that are owned, wanted or at rest; 0 while a single worker owns all.",
        n.hosts,
    )
    silence = GaugeMetricFamily(
        f"{prefix}_sink_silence_seconds", "Since the sink was last heard.", labels=["sink"]
    )
    for number, silent_s in enumerate(n.sinks_silent_s, 1):
        silence.add_metric([str(number)], silent_s)
    yield silence
    yield from _routes(f"{prefix}_route", n.routes)


def _routes(prefix: str, routes: Sequence[RouteLoad]) -> Iterator[Metric]:
    """One series for each of the [[routes]]; none if the job has none."""
    families = {
        "workers": "Living workers that serve the route.",
        "leased_lines": "Uncommitted lines of the route under a lease.",
        "waiting_lines": "Lines of the route that no worker has, as far as the input was read.",
    }
    for name, text in families.items() if routes else ():
        family = GaugeMetricFamily(f"{prefix}_{name}", text, labels=["route"])
        for each in routes:
            family.add_metric([each.route], getattr(each, name))
        yield family


def _worker(n: WorkerNumbers) -> Iterator[Metric]:
    prefix = "fetcher_worker"
    yield _counts(f"{prefix}_rows", "Rows sent to the sink, by outcome.", "outcome", n.outcomes)
    yield _responses(prefix, n.statuses)
    yield _counter(f"{prefix}_body_bytes", "Decoded bytes of bodies.", n.body_bytes)
    yield _counter(f"{prefix}_sent_bytes", "Bytes of rows sent to the sink.", n.row_bytes)
    yield _counter(f"{prefix}_exchanges", "Requests made: hops and attempts.", n.exchanges)
    yield _counter(f"{prefix}_retries", "Attempts beyond the first.", n.retries)
    yield _counts(f"{prefix}_dns_lookups", "Name look-ups, by how they ended.", "result", n.lookups)
    yield _gauge(f"{prefix}_in_flight_fetches", "Fetches in flight.", n.in_flight)
    yield _gauge(f"{prefix}_pool_size", "Fetches that may be in flight.", n.pool_size)
    yield _gauge(f"{prefix}_queued_lines", "Lines next for the pool.", n.queued)
    yield _gauge(f"{prefix}_parked_lines", "Lines that wait outside of the pool.", n.parked)
    yield _gauge(f"{prefix}_leases", "Leases held.", n.leases)
    yield _gauge(f"{prefix}_unsent_bytes", "Rows that wait for a sink.", n.unsent_bytes)
    yield _gauge(f"{prefix}_hosts", "Hosts that this worker may ask.", n.hosts)
    yield _gauge(
        f"{prefix}_ventilator_silence_seconds",
        "Since a ventilator was last heard.",
        n.ventilator_silent_s,
    )
    yield _histogram(
        f"{prefix}_loop_lag_seconds", "How late the event loop woke a sleeper.", n.loop_lag_s
    )


def _job_metrics(prefix: str, totals: Totals) -> Iterator[Metric]:
    yield _counts(
        f"{prefix}_rows", "Rows of the job committed, by outcome.", "outcome", totals.outcomes
    )
    yield _responses(prefix, totals.statuses)
    yield _counter(f"{prefix}_body_bytes", "Decoded bytes of the job's bodies.", totals.body_bytes)


def _responses(prefix: str, statuses: Mapping[int, int]) -> Metric:
    classes: dict[str, int] = {f"{digit}xx": 0 for digit in range(1, 6)}
    for status, count in statuses.items():
        if status:
            name = f"{status // 100}xx"
            classes[name] = classes.get(name, 0) + count
    return _counts(
        f"{prefix}_responses", "Rows with a response, by class of status.", "status_class", classes
    )


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counts(name: str, text: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _histogram(name: str, text: str, spread: Distribution) -> Metric:
    bounds: Iterable[str] = (*(f"{bound:g}" for bound in spread.bounds), "+Inf")
    buckets = list(zip(bounds, map(float, accumulate(spread.counts)), strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=spread.total)
