"""Addresses that follow from the endpoints, and endpoints that are refused without keys."""

from __future__ import annotations

import pytest

from fetcher.errors import UsageError
from fetcher.transport.endpoints import (
    Endpoints,
    SinkEndpoints,
    endpoints_of,
    refuse_open_network,
)


def test_ports_follow_each_other_and_ipc_paths_are_numbered() -> None:
    assert endpoints_of("tcp://[::1]:7000", ["tcp://a:7100", "ipc:///run/s"]) == Endpoints(
        tasks="tcp://[::1]:7000",
        events="tcp://[::1]:7001",
        control="tcp://[::1]:7002",
        sinks=(
            SinkEndpoints("tcp://a:7100", "tcp://a:7101"),
            SinkEndpoints("ipc:///run/s.0", "ipc:///run/s.1"),
        ),
    )


def test_loopback_and_ipc_are_open_without_keys() -> None:
    refuse_open_network(
        "endpoints.sink",
        "tcp://127.0.0.1:1",
        "tcp://[::1]:1",
        "tcp://localhost:1",
        "ipc:///run/s",
    )


@pytest.mark.parametrize("host", ["10.0.0.1", "[2001:db8::1]", "example.org", "*", "0.0.0.0"])
def test_any_other_address_needs_keys(host: str) -> None:
    with pytest.raises(UsageError, match=r"endpoints\.sink = .*keys\.dir.*--insecure"):
        refuse_open_network("endpoints.sink", "tcp://127.0.0.1:1", f"tcp://{host}:1")
