"""The numbers by which a worker and the host broker speak about hosts.

Pure. A worker knows the names of the hosts that it asked for or told the broker about. The broker
may grant or recall another one: the grant answers an old request, which the worker no longer needs.
The worker then gives the host back, with the rest that it still needs. Otherwise the broker would
take this worker for the owner for ever, and nobody else would get the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fetcher.politeness.host_broker import Ticketed, number_of


class HostNumbers:
    """The names and numbers of the hosts that a worker and the broker speak about."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}  # of the same hosts: hashing is not free

    def number(self, host: str) -> int:
        """The number of a host that the broker is told about."""
        number = self._numbers.get(host)
        if number is None:
            number = self._numbers[host] = number_of(host)
            self._names[number] = host
        return number

    def forget(self, host: str) -> int:
        """The number of a host that is given back."""
        number = self._numbers.pop(host, None) or number_of(host)
        self._names.pop(number, None)
        return number

    def forget_all(self) -> None:
        """The broker knows no host of this worker."""
        self._names.clear()
        self._numbers.clear()

    def known(self, hosts: Iterable[Ticketed]) -> list[tuple[str, int]]:
        """Those of the broker's hosts that have a name here, by name, with their tickets."""
        names = self._names
        return [(names[number], ticket) for number, ticket in hosts if number in names]

    def unknown(
        self, hosts: Iterable[Ticketed], rests: Callable[[], Iterable[tuple[str, float]]]
    ) -> list[tuple[int, int, float]]:
        """The others: number, ticket, and seconds of rest, to be given back to the broker.

        `rests` is called if there are any: see OwnedHosts.rests.
        """
        unknown = [(number, ticket) for number, ticket in hosts if number not in self._names]
        if not unknown:
            return []
        rests_s = {number_of(host): rest_s for host, rest_s in rests()}
        return [(number, ticket, rests_s.get(number, 0.0)) for number, ticket in unknown]
