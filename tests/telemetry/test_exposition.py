"""The metrics: read back by the client's own parser, and named as Prometheus would have it."""

from __future__ import annotations

import re

import msgspec
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from fetcher.telemetry.exposition import Exposition
from fetcher.telemetry.numbers import AnyNumbers
from fetcher.telemetry.snapshot import Snapshot
from support.numbers import EXAMPLES

ODD_UNITS = re.compile(r"_(ms|milliseconds|minutes|kb|mb|kilobytes|megabytes|percent)(_|$)")


def families(role: str) -> dict[str, Metric]:
    snapshot: Snapshot[AnyNumbers] = Snapshot(is_on=True)
    snapshot.put(EXAMPLES[role], 0.0)
    page = Exposition(snapshot, role).page().decode()
    return {family.name: family for family in text_string_to_metric_families(page)}


def values(role: str) -> dict[str, float]:
    """Every sample, by its name and its labels' values."""
    return {
        ".".join([sample.name, *sample.labels.values()]): sample.value
        for family in families(role).values()
        for sample in family.samples
    }


@pytest.mark.parametrize("role", EXAMPLES)
def test_names_help_and_types_follow_the_conventions(role: str) -> None:
    found = families(role)
    ours = [family for name, family in found.items() if name.startswith("fetcher_")]
    assert len(ours) > 10
    assert "process_resident_memory_bytes" in found
    for family in ours:
        assert family.name == "fetcher_build_info" or family.name.startswith(f"fetcher_{role}_")
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram"}
        assert not ODD_UNITS.search(family.name)
        for sample in family.samples:
            assert (family.type == "counter") == sample.name.endswith("_total"), sample.name
            assert set(sample.labels) <= {
                *(
                    "outcome",
                    "status_class",
                    "reason",
                    "result",
                    "state",
                    "phase",
                    "sink",
                    "route",
                    "le",
                ),
                *("role", "version"),
            }


def test_what_the_sink_counts() -> None:
    found = values("sink")
    assert found["fetcher_sink_rows_total.ok"] == 3
    assert found["fetcher_sink_rows_total.dns"] == 2
    assert found["fetcher_sink_responses_total.2xx"] == 2
    assert found["fetcher_sink_responses_total.3xx"] == 1
    assert found["fetcher_sink_responses_total.5xx"] == 0
    assert found["fetcher_sink_messages_dropped_total.malformed"] == 2
    assert found["fetcher_sink_stalled"] == 0
    assert found["fetcher_sink_commit_duration_seconds_bucket.0.5"] == 3
    assert found["fetcher_sink_commit_duration_seconds_bucket.1"] == 3
    assert found["fetcher_sink_commit_duration_seconds_bucket.+Inf"] == 5
    assert found["fetcher_sink_commit_duration_seconds_count"] == 5
    assert found["fetcher_sink_commit_duration_seconds_sum"] == 9.25


def test_what_the_ventilator_counts() -> None:
    found = values("ventilator")
    assert found["fetcher_ventilator_rows_total.ok"] == 3
    assert found["fetcher_ventilator_leases.finished"] == 3
    assert found["fetcher_ventilator_oldest_lease_age_seconds"] == 1.5
    assert found["fetcher_ventilator_peers_refused_total.unknown_key"] == 4
    assert found["fetcher_ventilator_sink_silence_seconds.2"] == 7.5
    phases = {name: value for name, value in found.items() if "_phase." in name}
    assert len(phases) == 6
    assert [name for name, value in phases.items() if value] == ["fetcher_ventilator_phase.running"]


def test_what_a_worker_counts() -> None:
    found = values("worker")
    assert found["fetcher_worker_rows_total.http_error"] == 1
    assert found["fetcher_worker_responses_total.4xx"] == 1
    assert found["fetcher_worker_retries_total"] == 1
    assert found["fetcher_worker_dns_lookups_total.no_name"] == 1
    assert found["fetcher_worker_parked_lines"] == 4
    assert found["fetcher_worker_hosts"] == 5


@pytest.mark.parametrize("role", EXAMPLES)
def test_trouble_is_a_number_too(role: str) -> None:
    snapshot: Snapshot[AnyNumbers] = Snapshot(is_on=True)
    exposition = Exposition(snapshot, role)
    assert b"_healthy" not in exposition.page(), "nothing is known yet"
    for trouble, value in (("", "1.0"), ("disk full", "0.0")):
        snapshot.put(msgspec.structs.replace(EXAMPLES[role], trouble=trouble), 0.0)
        assert f"\nfetcher_{role}_healthy {value}\n" in exposition.page().decode()


def test_each_route_has_a_series_and_a_job_without_routes_has_none() -> None:
    found = values("ventilator")
    assert found["fetcher_ventilator_route_workers.eu"] == 0
    assert found["fetcher_ventilator_route_waiting_lines.eu"] == 1200
    assert found["fetcher_ventilator_route_leased_lines.default"] == 9
    snapshot: Snapshot[AnyNumbers] = Snapshot(is_on=True)
    snapshot.put(msgspec.structs.replace(EXAMPLES["ventilator"], routes=()), 0.0)
    assert b"_route_" not in Exposition(snapshot, "ventilator").page()
