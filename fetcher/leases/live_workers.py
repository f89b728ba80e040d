"""The living workers: when each was heard last, what it serves, and what it reported."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence


class LiveWorkers:
    """Workers by name; times in seconds."""

    def __init__(self, routes: int = 1) -> None:
        self._all_routes = frozenset(range(routes))
        self._routes: dict[str, frozenset[int]] = {}  # of the workers that said what they serve
        self._serving: list[set[str]] = [set() for _ in range(routes)]  # living workers, by route
        # Workers that have served each route so far, those that have left included.
        self.joined = [0] * routes
        self._heard_at: dict[str, float] = {}
        self._names: Sequence[str] | None = None  # None: a worker has joined or left since
        # Workers that hold leases which are not open (any more) -> since when. Such a lease is of
        # an earlier ventilator, or its lines were committed by another worker.
        self._stale_since: dict[str, float] = {}
        self.hungry: set[str] = set()  # workers that reported that they have too little to do

    def __len__(self) -> int:
        return len(self._heard_at)

    def __contains__(self, worker: str) -> bool:
        return worker in self._heard_at

    @property
    def names(self) -> Sequence[str]:
        """The names of the living workers: the same object until one joins or leaves."""
        if self._names is None:
            self._names = list(self._heard_at)
        return self._names

    def heard(self, worker: str, now: float) -> None:
        """Note that a message of the worker arrived."""
        if worker not in self._heard_at:
            self._names = None
            if len(self._serving) == 1:
                self._note_serving(worker, 0)
        self._heard_at[worker] = now

    # -- routes ------------------------------------------------------------------------------

    def note_routes(self, worker: str, routes: frozenset[int] | None) -> None:
        """The worker serves these routes (None: all)."""
        routes = self._all_routes if routes is None else routes
        if self._routes.get(worker) != routes:
            self._routes[worker] = routes
            for route, names in enumerate(self._serving):
                if route in routes:
                    self._note_serving(worker, route)
                else:
                    names.discard(worker)

    def note_claim(self, worker: str, route: int) -> None:
        """The worker has claimed a lease, so it serves this route, whatever it has said so far."""
        self._note_serving(worker, route)

    def _note_serving(self, worker: str, route: int) -> None:
        if worker not in self._serving[route]:
            self._serving[route].add(worker)
            self.joined[route] += 1

    def serving(self, route: int) -> set[str]:
        """The workers that are known to serve a route."""
        return self._serving[route]

    def may_serve(self, worker: str, route: int) -> bool:
        """Whether the worker serves a route, or has not said what it serves."""
        return worker not in self._routes or route in self._routes[worker]

    # -- what they have ----------------------------------------------------------------------

    def holds(self, worker: str, held: Iterable[int], leases: Container[int], now: float) -> None:
        """The worker holds these leases; `leases`: those that are open."""
        if all(lease in leases for lease in held):
            self._stale_since.pop(worker, None)
        else:
            self._stale_since.setdefault(worker, now)

    def note_hunger(self, worker: str, *, is_hungry: bool) -> None:
        """Note whether the worker has too little to do."""
        if is_hungry:
            self.hungry.add(worker)
        else:
            self.hungry.discard(worker)

    def leave(self, worker: str) -> bool:
        """Forget the worker. Returns whether it was known."""
        self._stale_since.pop(worker, None)
        self.hungry.discard(worker)
        self._routes.pop(worker, None)
        for names in self._serving:
            names.discard(worker)
        was_known = self._heard_at.pop(worker, None) is not None
        if was_known:
            self._names = None
        return was_known

    def silent(self, now: float, silent_s: float) -> list[str]:
        """The workers that have been silent for longer than `silent_s`."""
        return [name for name, heard_at in self._heard_at.items() if now - heard_at > silent_s]

    def may_hold_stale(self, now: float, stall_s: float) -> bool:
        """Whether a worker may still fetch lines of a lease that is not open.

        A worker that holds such a lease for `stall_s` is no longer waited for.
        """
        return any(now - since < stall_s for since in self._stale_since.values())

    def restart_clocks(self, now: float) -> None:
        """Count silence from now on: until now, no worker was expected to be heard."""
        self._heard_at = dict.fromkeys(self._heard_at, now)
        self._stale_since = dict.fromkeys(self._stale_since, now)
