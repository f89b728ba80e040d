"""Which port a process has, and the error where that cannot be bound."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pytest

from fetcher.errors import ConfigError, ConflictError, FetcherError, UsageError
from fetcher.settings.schema import Metrics
from fetcher.telemetry.ports import port_of
from fetcher.telemetry.serving import serving
from fetcher.telemetry.snapshot import Snapshot


def served(metrics: Metrics) -> contextlib.AbstractContextManager[Snapshot[Any]]:
    return serving(metrics, "sink", 1, "sink")


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
