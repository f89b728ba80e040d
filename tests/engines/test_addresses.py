"""Where a job listens for an engine's workers, and what these are told."""

from __future__ import annotations

import socket

import pytest

from fetcher.engines.addresses import addresses_of
from fetcher.errors import ConflictError
from fetcher.settings.schema import Engine


def test_workers_are_told_the_address_that_is_bound() -> None:
    found = addresses_of(Engine(bind="tcp://10.1.2.3:5700"))
    assert (
        found.bound == found.local == found.told == ("tcp://10.1.2.3:5700", "tcp://10.1.2.3:5703")
    )
    assert found.reach == "10.1.2.3, ports 5700 to 5704"


def test_a_host_behind_another_name_says_that_name() -> None:
    found = addresses_of(Engine(bind="tcp://0.0.0.0:5700", advertise="driver.test"))
    assert found.bound.ventilator == "tcp://0.0.0.0:5700"
    assert found.local.sink == "tcp://127.0.0.1:5703"
    assert found.told == ("tcp://driver.test:5700", "tcp://driver.test:5703")


def test_all_addresses_without_a_name_are_told_as_one_that_exists() -> None:
    told = addresses_of(Engine(bind="tcp://0.0.0.0:5700")).told.ventilator
    assert "0.0.0.0" not in told


def test_an_ipv6_address_has_brackets() -> None:
    found = addresses_of(Engine(bind="tcp://[::1]:5700", advertise="fd00::7"))
    assert found.bound.sink == "tcp://[::1]:5703"
    assert found.told.ventilator == "tcp://[fd00::7]:5700"


def test_port_0_gives_five_free_ports_in_a_row() -> None:
    found = addresses_of(Engine(bind="tcp://127.0.0.1:0"))
    first = int(found.bound.ventilator.rpartition(":")[2])
    for port in range(first, first + 5):
        with socket.socket() as each:
            each.bind(("127.0.0.1", port))


def test_an_address_of_another_host_is_refused() -> None:
    with pytest.raises(ConflictError, match="is it an address of this host"):
        addresses_of(Engine(bind="tcp://192.0.2.1:0"))
