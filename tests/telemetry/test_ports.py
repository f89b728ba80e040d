"""The port of a process: what it answers, to whom, and what is said where it cannot."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from typing import Any

import msgspec
import pytest

from fetcher.errors import ConfigError, ConflictError, FetcherError, UsageError
from fetcher.settings.schema import Metrics
from fetcher.telemetry import pages
from fetcher.telemetry.ports import port_of
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


@pytest.mark.parametrize(
    ("host", "kind", "said"),
    [
        ("127.0.0.1", ConflictError, "metrics.sink_port: 127.0.0.1:{port} is in use by another"),
        ("192.0.2.1", UsageError, "metrics.sink_port: 192.0.2.1:{port} cannot be listened on"),
        ("no.such.host.invalid", UsageError, "cannot be listened on"),
    ],
)
def test_a_port_that_cannot_be_bound_is_one_line(
    host: str, kind: type[FetcherError], said: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(kind) as caught, served(Metrics(host=host, sink_port=port)):
            pass
    assert said.format(port=port) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_process_of_a_role_has_a_port_of_its_own() -> None:
    metrics = Metrics(worker_port=65_534)
    assert [port_of(metrics, "worker", number).port for number in (1, 2)] == [65_534, 65_535]
    assert port_of(Metrics(), "worker", 7).port == 0
    with pytest.raises(ConfigError, match=r"worker_port = 65534: worker 3 .* port 65536"):
        port_of(metrics, "worker", 3)
