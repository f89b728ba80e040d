"""Gives hosts on this machine their own addresses, and breaks the network between two of them.

`close` removes everything that was made, also after an error. Names contain our process id, so
that two runs on one machine do not collide.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final, Protocol

from tools.faults.proxy import Link, ProxyThread

_NUMBERS: Final = itertools.count()
_NOBODY: Final = "02:00:00:00:00:01"  # an Ethernet address that no host has


class NotPermittedError(RuntimeError):
    """This machine does not let us make networks."""


class Network(Protocol):
    """Hosts by name; a fault is between two of them, both ways."""

    mechanism: str

    def address(self, host: str) -> str:
        """The host's own address."""

    def address_of(self, host: str, seen_by: str) -> str:
        """The address at which `seen_by` reaches the host."""

    def command(self, host: str, command: Sequence[str]) -> list[str]:
        """The command as it is run on that host."""

    def cut(self, one: str, other: str) -> None:
        """Nothing passes, and a sender gets an error at once."""

    def drop(self, one: str, other: str) -> None:
        """A black hole: nothing passes, and no side gets an error."""

    def heal(self, one: str, other: str) -> None:
        """As before."""

    def reset(self, one: str, other: str) -> int:
        """All connections between them end by a reset; how many."""

    def close(self) -> None:
        """Unmake it."""


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotPermittedError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


class Namespaces:
    """Network namespaces, each with one interface to a bridge."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.mechanism = (
            "network namespaces with veth pairs and a bridge; cut: unreachable routes; "
            "black hole: neighbour entries that lead to nobody; reset: sockets destroyed by `ss -K`"
        )
        if shutil.which("ip") is None or shutil.which("ss") is None:
            raise NotPermittedError("iproute2 is not installed")
        # The kernel may take its time to unmake what had the last number.
        self._prefix = f"ff{os.getpid()}-{next(_NUMBERS)}"
        self._net = f"10.213.{os.getpid() % 250}"
        self._bridge = f"{self._prefix}b"
        self._hosts = {host: number for number, host in enumerate(hosts, 1)}
        try:
            self._make()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.ours}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for host in self._hosts:
            space, outside = self._space(host), self._outside(host)
            _ip("netns", "add", space)
            _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", outside, "master", self._bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "link", "set", "eth0", "up")

    @property
    def ours(self) -> str:
        """This process' address in that network."""
        return f"{self._net}.254"

    def _space(self, host: str) -> str:
        return f"{self._prefix}-{self._hosts[host]}"

    def _outside(self, host: str) -> str:
        return f"{self._prefix}v{self._hosts[host]}"

    def address(self, host: str) -> str:
        return f"{self._net}.{self._hosts[host]}"

    def address_of(self, host: str, seen_by: str) -> str:
        return self.address(host)

    def command(self, host: str, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._space(host), *command]

    def cut(self, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            route = ("unreachable", f"{self.address(there)}/32")
            _ip("-n", self._space(here), "route", "replace", *route)

    def drop(self, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            entry = (self.address(there), "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")
            _ip("-n", self._space(here), "neigh", "replace", *entry)

    def heal(self, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            space, address = self._space(here), self.address(there)
            if address in _ip("-n", space, "route", "show", "type", "unreachable"):
                _ip("-n", space, "route", "del", "unreachable", f"{address}/32")
            if _NOBODY in _ip("-n", space, "neigh", "show", address):
                _ip("-n", space, "neigh", "del", address, "dev", "eth0")

    def reset(self, one: str, other: str) -> int:
        kill = self.command(one, ["ss", "-K", "-H", "-t", "dst", self.address(other)])
        done = subprocess.run(kill, capture_output=True, text=True, check=True)
        return len(done.stdout.splitlines())

    def close(self) -> None:
        made = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
        spaces = [line.split()[0] for line in made.stdout.splitlines() if line.strip()]
        links = [self._bridge, *(self._outside(host) for host in self._hosts)]
        for link in links:
            subprocess.run(["ip", "link", "del", link], capture_output=True, check=False)
        for host in self._hosts:
            if self._space(host) in spaces:
                _ip("netns", "del", self._space(host))


class Proxies:
    """Loopback addresses, and a proxy of ours between every two hosts."""

    # What roles listen on; see fetcher.transport.endpoints.endpoints_of.
    PORTS: Final = {"ventilator": range(5700, 5703), "sink": range(5710, 5712)}

    def __init__(self, hosts: Sequence[str]) -> None:
        self.mechanism = (
            "loopback addresses with a TCP proxy between every two roles; cut: connections closed "
            "and refused; black hole: nothing forwarded, nothing closed; reset: RST at both ends"
        )
        self._net = f"127.{os.getpid() % 200 + 10}"
        self._hosts = {host: number for number, host in enumerate(hosts, 1)}
        self._proxy = ProxyThread()
        self._links: dict[tuple[str, str], list[Link]] = {}

    @property
    def ours(self) -> str:
        """This process' address in that network."""
        return f"{self._net}.0.254"

    def address(self, host: str) -> str:
        return f"{self._net}.0.{self._hosts[host]}"

    def address_of(self, host: str, seen_by: str) -> str:
        if host not in self.PORTS:
            return self.address(host)
        ours = f"{self._net}.{self._hosts[seen_by]}.{self._hosts[host]}"
        if (seen_by, host) not in self._links:
            self._links[seen_by, host] = [
                self._proxy.link((ours, port), (self.address(host), port))
                for port in self.PORTS[host]
            ]
        return ours

    def command(self, host: str, command: Sequence[str]) -> list[str]:
        return list(command)

    def _between(self, one: str, other: str) -> list[Link]:
        found = self._links.get((one, other), []) + self._links.get((other, one), [])
        if not found:
            raise ValueError(f"nothing connects {one} and {other}")
        return found

    def cut(self, one: str, other: str) -> None:
        for link in self._between(one, other):
            self._proxy.call(link.cut)

    def drop(self, one: str, other: str) -> None:
        for link in self._between(one, other):
            self._proxy.call(link.drop)

    def heal(self, one: str, other: str) -> None:
        for link in self._between(one, other):
            self._proxy.call(link.heal)

    def reset(self, one: str, other: str) -> int:
        return sum(self._proxy.call(link.reset) for link in self._between(one, other))

    def close(self) -> None:
        self._proxy.close()


def choose(kind: str) -> tuple[str, str]:
    """`netns` or `proxy` for `auto`, and why not `netns`. Raises NotPermittedError for that."""
    if kind == "proxy":
        return kind, "as asked for"
    try:
        Namespaces(["probe"]).close()
    except NotPermittedError as error:
        if kind == "netns":
            raise
        return "proxy", f"network namespaces are not permitted here: {error}"
    return "netns", ""


def make(kind: str, hosts: Sequence[str]) -> Namespaces | Proxies:
    """The network of that kind. Raises NotPermittedError."""
    return Namespaces(hosts) if kind == "netns" else Proxies(hosts)
