"""The addresses of a job whose workers an engine runs: where it listens, and where workers connect.

Ventilator and sink use ports in a row: three for the ventilator and one for each of the [[routes]],
then two for the sink.
"""

from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
from typing import Final, NamedTuple

from fetcher.errors import ConflictError
from fetcher.settings.schema import Engine

PORTS: Final = 5
_VENTILATOR_PORTS: Final = 3
_TRIES: Final = 100
_RANGE: Final = (20_000, 32_000)  # below those that Linux gives to clients
_ANYWHERE: Final = ("192.0.2.1", 9)  # an address to route to; nothing is sent there


class Pair(NamedTuple):
    """The endpoints of the ventilator and of the sink."""

    ventilator: str
    sink: str


class Addresses(NamedTuple):
    """Where to listen, and where this host and the workers connect to."""

    bound: Pair
    local: Pair  # for this host
    told: Pair  # for the workers
    reach: str  # what workers must reach, in words


def addresses_of(settings: Engine, routes: int = 0) -> Addresses:
    """Choose the addresses. Raises ConflictError if there are no free ports.

    `routes`: how many there are besides the default one.
    """
    ports = PORTS + routes
    host, _, text = settings.bind.removeprefix("tcp://").rpartition(":")
    host = host.strip("[]")
    port = int(text) or _free_ports(host, ports)
    is_any = ipaddress.ip_address(host).is_unspecified
    told = settings.advertise or (_own_address() if is_any else host)
    return Addresses(
        bound=_pair(host, port, routes),
        local=_pair("127.0.0.1" if is_any else host, port, routes),
        told=_pair(told, port, routes),
        reach=f"{told}, ports {port} to {port + ports - 1}",
    )


def _pair(host: str, port: int, routes: int) -> Pair:
    shown = f"[{host}]" if ":" in host else host
    return Pair(f"tcp://{shown}:{port}", f"tcp://{shown}:{port + _VENTILATOR_PORTS + routes}")


def _free_ports(host: str, ports: int) -> int:
    """Return the first of so many free ports in a row."""
    choose = random.Random()
    for _ in range(_TRIES):
        port = choose.randrange(*_RANGE)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for offset in range(ports):
                _bind(stack, host, port + offset)
            return port
    raise ConflictError(
        f"engine.bind: no {ports} free ports in a row at {host}; is it an address of this host?"
    )


def _bind(stack: contextlib.ExitStack, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = stack.enter_context(socket.socket(family))
    # As libzmq does: the ends of old connections at the port do not matter.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen()


def _own_address() -> str:
    """Return the address from which this host would reach others; its name if it has none."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ANYWHERE)
        address: str = probe.getsockname()[0]
        return address
    return socket.gethostname()
