"""Checks of values that bounds and patterns do not cover."""

from __future__ import annotations

import pytest

from fetcher.settings.value_types import check_endpoint, check_sinks, parse_server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_a_port(
    text: str, server: tuple[str, int]
) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", "dns.test", "192.0.2.1:0", "192.0.2.1:65536", "[::1]:x"])
def test_another_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|address"):
        parse_server(text)


def test_an_endpoint_leaves_room_for_the_next_two_ports() -> None:
    check_endpoint("tcp://127.0.0.1:65533")
    check_endpoint("ipc:///tmp/x")
    with pytest.raises(ValueError, match="port"):
        check_endpoint("tcp://127.0.0.1:65534")


def test_two_sinks_share_no_port() -> None:
    check_sinks(("tcp://h:5710", "tcp://h:5712", "ipc:///a", "ipc:///b"))
    with pytest.raises(ValueError, match="has a port of another sink"):
        check_sinks(("tcp://h:5710", "tcp://h:5711"))
    with pytest.raises(ValueError, match="has a port of another sink"):
        check_sinks(("ipc:///a", "ipc:///a.1"))
