"""The addresses of a job, and where a role may listen without keys.

Two endpoints are configured, the ventilator's and the sink's. The address of each socket follows
from its endpoint: consecutive ports over TCP, numbered suffixes of an ipc path.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from fetcher.errors import UsageError

_OF_THE_VENTILATOR: Final = 3  # addresses, besides those of routes


class SinkEndpoints(msgspec.Struct, frozen=True):
    """The two addresses of a sink."""

    results: str
    commits: str


class Endpoints(msgspec.Struct, frozen=True):
    """The addresses of all sockets of a job."""

    tasks: str
    events: str
    control: str
    sinks: tuple[SinkEndpoints, ...]


def endpoints_of(ventilator: str, sinks: Sequence[str]) -> Endpoints:
    """Derive the address of each socket from the ventilator's and the sinks' endpoints."""
    return Endpoints(
        tasks=_nth(ventilator, 0),
        events=_nth(ventilator, 1),
        control=_nth(ventilator, 2),
        sinks=tuple(SinkEndpoints(_nth(sink, 0), _nth(sink, 1)) for sink in sinks),
    )


def tasks_of(ventilator: str, route: int) -> str:
    """The address for the tasks of a route; that of the default route, 0, is `Endpoints.tasks`."""
    return _nth(ventilator, _OF_THE_VENTILATOR - 1 + route if route else 0)


def require_apart(ventilator: str, routes: Sequence[str], addresses: Endpoints) -> None:
    """Raise UsageError if a route's address is also one of a sink; `routes`: all names."""
    of_sinks = {address for sink in addresses.sinks for address in (sink.results, sink.commits)}
    for number, name in enumerate(routes):
        address = tasks_of(ventilator, number)
        if address in of_sinks:
            raise UsageError(
                f"route {name} would use {address}, which is a sink's: the ventilator needs "
                f"{_OF_THE_VENTILATOR + len(routes) - 1} ports in a row from endpoints.ventilator, "
                "one more for each of the [[routes]]; move endpoints.sink"
            )


def _nth(endpoint: str, index: int) -> str:
    if endpoint.startswith("ipc://"):
        return f"{endpoint}.{index}"
    base, _, port = endpoint.rpartition(":")
    return f"{base}:{int(port) + index}"


def refuse_open_network(setting: str, *endpoints: str) -> None:
    """Raise UsageError if an endpoint is beyond loopback.

    For roles without keys, where any peer that reaches the socket could join.
    """
    for endpoint in endpoints:
        if not _is_local(endpoint):
            raise UsageError(
                f"{setting} = {endpoint}: beyond loopback anybody on the network could join: set "
                "keys.dir (--keys; `fetcher keys init` makes them), or say --insecure if the "
                "network is yours alone"
            )


def _is_local(endpoint: str) -> bool:
    match = re.match(r"tcp://\[?(.+?)\]?:\d+$", endpoint)
    if match is None:
        return True
    try:
        return ipaddress.ip_address(match[1]).is_loopback
    except ValueError:
        return match[1] == "localhost"
