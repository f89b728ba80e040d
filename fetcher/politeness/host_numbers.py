"""Maps host names to the numbers used in messages with the host broker.

Pure. It has the hosts that the worker wants or owns. A grant or recall may answer a request that
the worker has dropped. The host must then be given back, with the rest that it still needs;
otherwise the broker keeps this worker as the owner, and no other worker gets the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fetcher.politeness.host_broker import Ticketed, number_of


class HostNumbers:
    """The names and numbers of the hosts that a worker wants or owns."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}  # of the same hosts: hashing is not free

    def number(self, host: str) -> int:
        """Return the number of a host that is wanted or owned, and keep its name."""
        number = self._numbers.get(host)
        if number is None:
            number = self._numbers[host] = number_of(host)
            self._names[number] = host
        return number

    def pop(self, host: str) -> int:
        """Return the number of a host that is given back, and forget its name."""
        number = self._numbers.pop(host, None) or number_of(host)
        self._names.pop(number, None)
        return number

    def forget_all(self) -> None:
        """Forget all names: a worker that owns all hosts wants none."""
        self._names.clear()
        self._numbers.clear()

    def known(self, hosts: Iterable[Ticketed]) -> list[tuple[str, int]]:
        """Those of the broker's hosts that have a name here, by name, with their tickets."""
        names = self._names
        return [(names[number], ticket) for number, ticket in hosts if number in names]

    def unknown(
        self, hosts: Iterable[Ticketed], rests: Callable[[], Iterable[tuple[str, float]]]
    ) -> list[tuple[int, int, float]]:
        """The hosts without a name here: number, ticket, and seconds that they must still rest.

        They are to be given back. `rests` is called if there are any: see OwnedHosts.rests.
        """
        unknown = [(number, ticket) for number, ticket in hosts if number not in self._names]
        if not unknown:
            return []
        rests_s = {number_of(host): rest_s for host, rest_s in rests()}
        return [(number, ticket, rests_s.get(number, 0.0)) for number, ticket in unknown]
