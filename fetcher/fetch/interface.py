"""The interface of the fetch core, and the choice of what is behind it.

Law: a Fetch is one line on its way, step by step: a step makes one exchange (a hop, an attempt),
and between steps it may wait outside of the pool for its host's turn. A step raises nothing, ends
within the deadline, and may block its own greenlet and no other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, Protocol, cast, runtime_checkable

from msgspec import UNSET
from msgspec.structs import replace

from fetcher.error_kinds import KINDS, OTHER, ErrorKind, kind_of
from fetcher.fetch import own_code
from fetcher.fetch.http.body_memory import BodyMemory
from fetcher.fetch.http.capture import Capture, Keep
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Settings

# Outcomes of a host that could not be reached: after some in a row it is given up for a while.
UNREACHED: Final = frozenset({Outcome.DNS, Outcome.CONNECT, Outcome.TLS, Outcome.TIMEOUT})


class Fetch(Protocol):
    """One line on its way."""

    result: Result | None  # once it has ended
    url: str  # what the next step asks for
    wait_s: float  # that the next step should wait, after a failed attempt
    trouble: str  # why the last step failed to reach its host; "" where it did not
    rest_s: float | None  # that the last step's server asked for
    rest_why: str  # the status by which it did
    delay_s: float  # least time between requests that its robots.txt asks for
    is_sent: bool  # whether the last step asked its host for anything
    has_news: bool  # whether the last step learned of other URLs that they may not be asked for
    body: bytes | None  # of the last answer, decoded, as far as it came; where it is kept
    tapes: list[Capture]  # of the last attempt, where they are kept

    def step(self) -> None:
        """Make the next exchange."""

    def give_up(self, why: str) -> None:
        """End it without another step: its host is given up."""

    def let_go(self) -> None:
        """Forget `body` and `tapes`: its row is made."""


class Fetcher(Protocol):
    """What a worker has one of, for all of its greenlets."""

    keep: Keep  # set by the worker, before it begins: what a Fetch shall have in `body` or `tapes`

    def begin(self, task: Task) -> Fetch:
        """The fetch of one URL line, before its first step. Raises nothing."""


@runtime_checkable
class KnowsTurns(Protocol):
    """A fetcher that can say beforehand which URLs it would ask nobody for."""

    def turn_of(self, url: str) -> str:
        """The host whose turn a step for this URL needs (fetch.urls.host_key); "" if none.

        A step for a URL of which it says "" sends nothing.
        """


@runtime_checkable
class LooksUp(Protocol):
    """A fetcher that says how its look-ups of names went."""

    def lookups(self) -> dict[str, int]:
        """So far, by how they ended."""


@runtime_checkable
class HoldsBodies(Protocol):
    """A fetcher that bounds what its fetches hold in memory."""

    memory: BodyMemory  # the worker counts in it what it makes of them


class OneStep:
    """Base of fetchers that are one function, and keep nothing beside its result.

    Its outcome says whether the host was reached; `fetch` is called in the turn of the URL's host.
    """

    keep = Keep.NOTHING

    def begin(self, task: Task) -> Fetch:
        return Whole(self.fetch, task)

    def fetch(self, task: Task) -> Result:
        raise NotImplementedError


class Whole:
    """A fetch of a single step."""

    wait_s = 0.0
    trouble = ""
    rest_s: float | None = None
    rest_why = ""
    delay_s = 0.0
    is_sent = True
    has_news = False
    body: bytes | None = None

    def __init__(self, function: Callable[[Task], Result], task: Task) -> None:
        self.result: Result | None = None
        self.tapes: list[Capture] = []
        self.url = task.url
        self._function = function
        self._task = task

    def step(self) -> None:
        result = self._function(self._task)
        if not isinstance(result, Result):
            raise TypeError(f"it gave a {type(result).__name__} and no Result")
        self.result = result
        if result.outcome in UNREACHED:
            self.trouble = result.error or result.outcome.value

    def give_up(self, why: str) -> None:
        task = self._task
        self.result = Result(
            task.line,
            task.url,
            Outcome.CONNECT,
            error=why,
            error_kind=ErrorKind.CONNECT_NOT_TRIED.word,
            attempts=0,
        )

    def let_go(self) -> None:
        """See Fetch; it keeps nothing."""


def with_kind(result: Result) -> Result:
    """The result with the kind `other` if its outcome has kinds and it names none.

    For transports of the user's own. Raises ValueError if its outcome does not have the kind.
    """
    if result.error_kind is not UNSET:
        kind_of(result.outcome, result.error_kind)
        return result
    other = KINDS[result.outcome].get(OTHER)
    return result if other is None else replace(result, error_kind=other.word)


Factory = Callable[[Settings, str], Fetcher]  # (settings, the worker's name)


def make_fetcher(settings: Settings, worker: str) -> Fetcher:
    """The fetcher that `worker.transport` names; only its own module is imported."""
    transport = settings.worker.transport
    known = {
        "curl": "fetcher.fetch.http.client:CurlFetcher",
        "null": "fetcher.fetch.null:NullFetcher",
    }
    if transport not in known:
        return cast(Factory, own_code.load("worker.transport", transport))(settings, worker)
    module, _, name = known[transport].partition(":")
    factory: Factory = getattr(importlib.import_module(module), name)
    return factory(settings, worker)
