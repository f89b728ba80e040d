"""Whether a cluster's server listens, by real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fetcher.engines.listening import require_listener


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(
    "address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "spark://127.0.0.1:1,127.0.0.1:{}"]
)
def test_a_server_that_listens_is_found(port: int, address: str) -> None:
    require_listener(address.format(port))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://[::1]:1", "spark://127.0.0.1:1"])
def test_a_server_that_is_missing_is_an_error(address: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        require_listener(address)


@pytest.mark.parametrize(
    "address", ["", "auto", "yarn", "local[2]", "local-cluster[2,1,1024]", "ray://head", "a:b"]
)
def test_addresses_without_a_port_are_not_looked_at(address: str) -> None:
    require_listener(address)
