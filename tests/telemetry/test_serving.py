"""The pages of a role are served on the port that is set, and only there."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import msgspec
import pytest

from fetcher.settings.schema import Metrics
from fetcher.telemetry import pages
from fetcher.telemetry.serving import serving
from fetcher.telemetry.snapshot import Snapshot
from support.numbers import EXAMPLES
from support.pages import get
from tools.ports import free_ports


def served(metrics: Metrics) -> contextlib.AbstractContextManager[Snapshot[Any]]:
    return serving(metrics, "sink", 1, "sink")


def test_a_role_without_a_port_serves_nothing_and_makes_no_numbers() -> None:
    with served(Metrics()) as snapshot:
        assert not snapshot.is_on
        assert not snapshot.is_due(1e12)


def test_the_pages_of_a_port() -> None:
    port = free_ports(1)
    with served(Metrics(sink_port=port)) as snapshot:
        now = time.monotonic()
        snapshot.put(EXAMPLES["sink"], now)
        assert not snapshot.is_due(now)
        assert snapshot.is_due(now + 1)
        status, kind, body = get(port, "/metrics?x=1")
        assert (status, kind.split(";")[0]) == (200, "text/plain")
        assert b'fetcher_sink_rows_total{outcome="ok"} 3.0\n' in body
        status, kind, body = get(port, "/healthz")
        assert (status, kind) == (200, "application/json")
        assert msgspec.json.decode(body)["status"] == "ok"
        snapshot.put(
            msgspec.structs.replace(EXAMPLES["sink"], trouble="disk full"), time.monotonic() - 60
        )
        status, _, body = get(port, "/healthz")
        said = msgspec.json.decode(body, type=pages.Health)
        assert (status, said.status, said.role) == (503, "failing", "sink")
        trouble, stalled = said.reasons
        assert trouble == "disk full"
        assert re.fullmatch(r"its loop has not turned for \d+ s", stalled)
        assert said.turned_s_ago >= 60
        status, _, body = get(port, "/livez")
        assert (status, len(msgspec.json.decode(body)["reasons"])) == (503, 1)
        snapshot.put(msgspec.structs.replace(EXAMPLES["sink"], trouble="disk full"), now + 600)
        assert (get(port, "/healthz")[0], get(port, "/livez")[0]) == (503, 200), "it is alive"
        assert get(port, "/metrics", "HEAD")[2] == b""
        assert get(port, "/other")[0] == 404
        assert get(port, "/metrics", "POST")[0] == 501
    with pytest.raises(OSError):
        get(port, "/metrics")


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_a_port_may_be_on_any_address_of_the_machine(host: str) -> None:
    with serving(Metrics(host=host, worker_port=free_ports(1)), "worker", 1, "w") as snapshot:
        assert snapshot.is_on


def test_the_second_process_of_a_role_has_the_next_port() -> None:
    first = free_ports(2)
    with serving(Metrics(worker_port=first), "worker", 2, "w-2") as snapshot:
        snapshot.put(EXAMPLES["worker"], time.monotonic())
        assert msgspec.json.decode(get(first + 1, "/healthz")[2])["name"] == "w-2"
