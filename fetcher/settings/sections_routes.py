"""The tables [[routes]]: an array, and not a section, as a job has as many as its user wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from fetcher.errors import ConfigError
from fetcher.known_types import known
from fetcher.patterns import PatternError, Patterns
from fetcher.settings.value_types import RouteName, Section, about

KEY: Final = "routes"
DEFAULT: Final = "default"  # the route of all lines that no other route takes
HOST: Final = "host:"
URL: Final = "url:"
MAX_ROUTES: Final = 32
_MOST_RULES: Final = 1000  # of a route
# A name, an IPv4 address or an IPv6 address in brackets; names may have other letters than ASCII.
_HOST_OR_URL: Final = (
    r"^(host:\.?(\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]?#*.]+(\.[^\s/:@\[\]?#*.]+)*)|url:.+)\Z"
)
_Rule = Annotated[str, msgspec.Meta(pattern=_HOST_OR_URL, max_length=1000)]


class Route(Section, frozen=True, kw_only=True):
    """A route: its lines are fetched only by workers that serve it (`worker.routes`)."""

    name: Annotated[RouteName, about("name by which workers and lines name the route")]
    match: Annotated[
        tuple[_Rule, ...],
        about(
            "which lines take it, apart from those that name it themselves: host:SUFFIX (that host "
            "and all below it) or url:EXPRESSION (a regular expression found in the URL); the "
            "first route with such a rule takes a line",
            kind="a list of host:SUFFIX and url:EXPRESSION",
            max_length=_MOST_RULES,
        ),
    ] = ()
    queue: Annotated[
        str,
        about(
            "for --engine celery, and for command with {queue}: queue of the workers that serve "
            "it; empty: engine.queue, a dot and the name of the route",
            pattern=r"^[\w.-]{0,100}\Z",
        ),
    ] = ""
    workers: Annotated[
        int,
        about(
            "for engines with queues: how many workers serve it; 0: as many as --workers says",
            ge=0,
            le=10_000,
        ),
    ] = 0


def routes_of(value: Any, origin: str) -> tuple[Route, ...]:
    """The routes of a settings file or a program. Raises ConfigError."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, dict) for each in value):
        raise ConfigError(f"{origin}: routes is a list of tables: write [[routes]] above each")
    if len(value) > MAX_ROUTES:
        raise ConfigError(f"{origin}: {len(value)} [[routes]]; there may be {MAX_ROUTES}")
    found = [_route(table, number, origin) for number, table in enumerate(value, 1)]
    _require_different([route.name for route in found], origin)
    return tuple(found)


def _route(table: dict[str, Any], number: int, origin: str) -> Route:
    where = f"{origin}: [[routes]] {number}"
    if isinstance(table.get("match"), str):
        table = {**table, "match": [table["match"]]}
    if "name" not in table:
        raise ConfigError(f'{where}: has no name; write name = "…"')
    for key, given in table.items():
        if key not in Route.__struct_fields__:
            names = ", ".join(Route.__struct_fields__)
            raise ConfigError(f"{where}: unknown setting {key}; a route has: {names}")
        try:
            msgspec.convert({"name": "x", key: given}, known(Route))
        except msgspec.ValidationError:
            raise ConfigError(f"{where}: {key} = {given!r:.80}: must be {_ALLOWED[key]}") from None
    route = msgspec.convert(table, known(Route))
    try:
        Patterns(tuple(rule.removeprefix(URL) for rule in route.match if rule.startswith(URL)))
    except PatternError as error:
        raise ConfigError(f"{where}: match: {error}") from None
    return route


_ALLOWED: Final = {
    "name": "1 to 40 of a-z, A-Z, 0-9, _ and -",
    "match": f"a list of {HOST}SUFFIX and {URL}EXPRESSION, at most {_MOST_RULES} of them",
    "queue": "up to 100 letters, digits, _ . and -",
    "workers": "a whole number from 0 to 10000",
}


def _require_different(names: Sequence[str], origin: str) -> None:
    if DEFAULT in names:
        raise ConfigError(
            f"{origin}: [[routes]] {names.index(DEFAULT) + 1}: {DEFAULT} is the route of all other "
            "lines, and needs no table; choose another name"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{origin}: two [[routes]] have the name {twice}; rename one of them")
