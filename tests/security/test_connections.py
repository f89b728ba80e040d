"""Connections that another owns are looked at and ended by their descriptor."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.security.connections import disconnect, peer_of, plain_host


class Connected:
    """A connection to a port of ours."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
            self.theirs = socket.create_connection(server.getsockname(), timeout=5)
            self.ours, self.address = server.accept()
        self.ours.settimeout(5)

    @property
    def is_open(self) -> bool:
        """Whether data still passes."""
        try:
            self.theirs.sendall(b"x")
            return self.ours.recv(1) == b"x"
        except OSError:
            return False

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def connected() -> Iterator[Connected]:
    made = Connected()
    yield made
    made.close()


def test_the_peer_of_our_port_is_named_and_its_connection_stays(connected: Connected) -> None:
    assert peer_of(connected.ours.fileno(), connected.port) == connected.address
    assert connected.is_open


def test_a_connection_of_another_port_has_no_peer_of_ours(connected: Connected) -> None:
    assert peer_of(connected.ours.fileno(), connected.port + 1) is None
    assert peer_of(connected.theirs.fileno(), connected.port) is None


def test_a_closed_descriptor_and_one_that_is_not_a_socket_have_no_peer(tmp_path: Path) -> None:
    assert peer_of(1 << 20, 80) is None
    with (tmp_path / "file").open("wb") as file:
        assert peer_of(file.fileno(), 80) is None
        file.write(b"it is still open")


def test_a_peer_of_an_ipc_path_has_no_address() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(ours.fileno(), 0) == ("", 0)


def test_a_connection_from_the_expected_host_is_ended(connected: Connected) -> None:
    disconnect(connected.ours.fileno(), "127.0.0.1", connected.port)
    assert not connected.is_open
    assert connected.ours.fileno() >= 0, "its owner closes it"


@pytest.mark.parametrize(("host", "more"), [("10.0.0.7", 0), ("127.0.0.1", 1)])
def test_a_connection_that_is_not_the_expected_one_stays(
    connected: Connected, host: str, more: int
) -> None:
    disconnect(connected.ours.fileno(), host, connected.port + more)
    assert connected.is_open


def test_the_end_of_a_connection_that_has_ended_is_not_an_error() -> None:
    disconnect(1 << 20, "127.0.0.1", 80)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("::1", "::1"),
        ("2001:db8::7", "2001:db8::7"),
        (":1000:0:4711", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_as_people_write_it(given: str, plain: str) -> None:
    assert plain_host(given) == plain
