"""The interface between a worker and its fetcher, and the choice of the fetcher by the settings.

A Fetch takes one URL line to its result, step by step. A step makes one exchange (a hop, an
attempt); between steps the line may wait outside of the pool for its host's turn. A step raises
nothing, ends within the deadline, and may block its own greenlet and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from msgspec import UNSET
from msgspec.structs import replace

from fetcher.error_kinds import KINDS, OTHER, ErrorKind, kind_of
from fetcher.errors import ConfigError
from fetcher.fetch import own_code
from fetcher.fetch.body.body_memory import BodyMemory
from fetcher.fetch.body.capture import Capture, Keep
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Settings

if TYPE_CHECKING:
    from fetcher.fetch.http.log_in import LogIns

# Outcomes of a host that could not be reached. After several in a row it is given up for a while.
UNREACHED: Final = frozenset({Outcome.DNS, Outcome.CONNECT, Outcome.TLS, Outcome.TIMEOUT})


class Fetch(Protocol):
    """The fetch of one URL line."""

    result: Result | None  # set by the last step
    url: str  # what the next step requests
    wait_s: float  # wait before the next step, after a failed attempt
    trouble: str  # why the last step failed to reach its host; "" where it did not fail so
    rest_s: float | None  # the pause that the last step's server asked for
    rest_why: str  # the status by which it asked
    delay_s: float  # the least time between requests by the host's robots.txt
    is_sent: bool  # whether the last step sent anything to its host
    has_news: bool  # whether the last step read a robots.txt: other lines may be forbidden now

    @property
    def body(self) -> bytes | None:
        """The decoded body of the last answer, as far as it came, if bodies are kept."""

    @property
    def captures(self) -> list[Capture]:
        """The exchanges of the last attempt, if exchanges are kept."""

    def step(self) -> None:
        """Make the next exchange."""

    def give_up(self, why: str) -> None:
        """End without another step, as the host is given up; `why` becomes the row's error."""

    def release(self) -> None:
        """Drop `body` and `captures`: the row is made."""


class Fetcher(Protocol):
    """Begins fetches; a worker has one, for all of its greenlets."""

    keep: Keep  # set by the worker before it begins: what each Fetch keeps

    def begin(self, task: Task) -> Fetch:
        """Return the fetch of one URL line, before its first step. Raises nothing."""


@runtime_checkable
class KnowsTurns(Protocol):
    """A fetcher that knows before a step which host it will ask."""

    def turn_of(self, url: str) -> str:
        """The host whose turn a step for this URL needs (see fetch.urls.host_key).

        "": the step sends nothing, so it needs no turn.
        """


@runtime_checkable
class LooksUp(Protocol):
    """A fetcher that counts its look-ups of names."""

    def lookups(self) -> dict[str, int]:
        """Look-ups so far, by how they ended."""


class Crawling(NamedTuple):
    """How the fetches of a crawl differ from those of a list."""

    # (the line's URL, a redirect's target): whether both are the same page. A redirect to another
    # page ends the fetch: the target is a line of its own.
    is_same_page: Callable[[str, str], bool]
    obeys_robots: bool


@runtime_checkable
class Crawls(Protocol):
    """A fetcher that can fetch for a crawl."""

    crawling: Crawling | None  # set by the worker before it begins; None: for a list

    def sitemaps_of(self, url: str) -> tuple[str, ...]:
        """The sitemaps that the robots.txt of this URL's site names, as far as it is known."""


class Previous(Protocol):
    """The answer that an earlier job has of a line, complete and with status 200."""

    url: str  # that gave it, redirects followed
    etag: str  # "": it has none
    conditions: tuple[tuple[str, str], ...]  # headers that ask whether it is still right
    body: bytes | None  # once loaded; None if no body is needed

    def load(self) -> bool:
        """Read what is needed of it; False if that is not there any more."""


class Confirms(Protocol):
    """A fetch that may have found that an earlier answer is still right."""

    previous: Previous | None  # the earlier answer, if there is one
    confirmed: Previous | None


@runtime_checkable
class Refreshes(Protocol):
    """A fetcher that can ask whether an earlier answer is still right; its fetches are Confirms."""

    # Set by the worker before it begins: the earlier answer of a line. None: in no refresh.
    previous_of: Callable[[Task], Previous | None] | None


@runtime_checkable
class HoldsBodies(Protocol):
    """A fetcher that bounds the bytes that its fetches hold in memory."""

    memory: BodyMemory  # the worker adds the rows that it makes of them


@runtime_checkable
class HasLogIns(Protocol):
    """A fetcher that can use a log-in (http.login)."""

    log_ins: LogIns | None  # None where the settings name none


class OneStep:
    """Base class of fetchers that are one function and keep only its result.

    `fetch` is called in the turn of the URL's host; its outcome says if the host was reached.
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
        self.captures: list[Capture] = []
        self.url = task.url
        self._function = function
        self._task = task

    def step(self) -> None:
        result = self._function(self._task)
        if not isinstance(result, Result):
            raise TypeError(f"it returned a {type(result).__name__}, not a Result")
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

    def release(self) -> None:
        """See Fetch; nothing is kept here."""


def with_kind(result: Result) -> Result:
    """The result, with the kind `other` where its outcome has kinds and it names none.

    For users' own transports. Raises ValueError if its outcome does not have its kind.
    """
    if result.error_kind is not UNSET:
        kind_of(result.outcome, result.error_kind)
        return result
    other = KINDS[result.outcome].get(OTHER)
    return result if other is None else replace(result, error_kind=other.word)


Factory = Callable[[Settings, str], Fetcher]  # (settings, the worker's name)

_OWN_TRANSPORTS: Final = {
    "curl": "fetcher.fetch.http.client:CurlFetcher",
    "null": "fetcher.fetch.null:NullFetcher",
}


def make_fetcher(settings: Settings, worker: str) -> Fetcher:
    """Make the fetcher that `worker.transport` names; only its own module is imported.

    Raises ConfigError if it cannot be imported.
    """
    transport = settings.worker.transport
    name = _OWN_TRANSPORTS.get(transport, transport)
    factory: Factory = own_code.load("worker.transport", name)
    fetcher = factory(settings, worker)
    if settings.http.login and not isinstance(fetcher, HasLogIns):
        raise ConfigError(
            f"http.login: worker.transport = {transport!r} does not use it; remove one"
        )
    return fetcher
