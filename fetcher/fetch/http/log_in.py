"""The log-in of a worker's fetches: its session, and what a line does when the session has ended.

A line whose answer fits http.logged_out is held until there is another session, or until the
ventilator reports that there is none. The owner of the fetches connects `refused` and `is_waiting`
to the session of the job (logins.session_holder).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from fetcher.fetch.cookies.jar import Cookies
from fetcher.fetch.header_text import merged
from fetcher.fetch.http.attempt import Ending
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.http.logged_out import LoggedOutRules, TextSearch
from fetcher.fetch.http.site_session import SiteSession
from fetcher.fetch.transfer.message import Answer
from fetcher.model import Outcome
from fetcher.protocol.login_messages import Secrets
from fetcher.settings.schema import Http
from fetcher.web_urls import Target

if TYPE_CHECKING:
    from fetcher.fetch.requests_compat.login_function import LoginFunction

_MAX_TRIES: Final = 2  # new sessions for one line: after that, its URL is forbidden
_CHECK_S: Final = 0.1  # between two checks for another session
_Pairs = Sequence[tuple[str, str]]


class LogIns:
    """The log-in of a fetcher.

    `refused` takes the generation of a session that a server refuses; `is_waiting` returns whether
    requests must wait, because the worker has no session yet or expects a new one.
    """

    refused: Callable[[int], None]
    is_waiting: Callable[[], bool]

    def __init__(self, http: Http, transport: Connections, others: Cookies | None) -> None:
        """Load the function. Raises ConfigError."""
        # requests is a third of what a worker would import.
        from fetcher.fetch.requests_compat.login_function import LoginFunction  # noqa: PLC0415

        self.function: LoginFunction = LoginFunction(http, transport)
        self.rules = LoggedOutRules(http.logged_out)
        self._others = others or Cookies()
        self.session = SiteSession(others=self._others)

    def use(self, generation: int, secrets: Secrets) -> None:
        """Use this session for all attempts that begin from now on."""
        self.session = SiteSession(generation, secrets, self._others)

    def line(self) -> LineLogIn:
        """Return the log-in of one line."""
        return LineLogIn(self)


class LineLogIn:
    """One line and its session.

    `count`: attempts that ended because the session had ended. `held`: how the line ends if no
    new session comes; None while the line does not wait for one. `rule`: the rule that the
    last answer fits.
    """

    def __init__(self, log_ins: LogIns) -> None:
        self.count = 0
        self.held: Ending | None = None
        self.rule = ""
        self._log_ins = log_ins
        self._session = log_ins.session
        self._text_search: TextSearch | None = None  # in the answer's body

    def begin(self) -> Cookies:
        """A new attempt: return the cookies for it."""
        self._session = self._log_ins.session
        self.rule = ""
        return self._session.cookies

    @property
    def hidden(self) -> frozenset[str]:
        """Names of headers that no archive may show, in lower case."""
        return self._session.header_names

    def added(self, target: Target, headers: _Pairs, own: _Pairs) -> tuple[tuple[str, str], ...]:
        """Add the headers for this target, apart from those that the line has of its `own`."""
        is_searched = self._log_ins.rules.texts and self._session.covers(target)
        self._text_search = TextSearch(self._log_ins.rules.texts) if is_searched else None
        names = {name.lower() for name, _ in own}
        made = [pair for pair in self._session.headers_for(target) if pair[0].lower() not in names]
        return merged(headers, made)

    @property
    def sink(self) -> Callable[[bytes], None] | None:
        """The function that searches a body's pieces, where the body is not kept."""
        return self._text_search.feed if self._text_search else None

    def search(self, pieces: Iterable[bytes]) -> None:
        """Search a body that was kept."""
        if self._text_search is not None:
            for piece in pieces:
                self._text_search.feed(piece)

    def judge(self, target: Target, answer: Answer) -> bool:
        """Whether the answer of this target means that the session has ended."""
        # At another host, a new log-in would change nothing.
        if self._session.covers(target):
            self.rule = self._log_ins.rules.fitting(target, answer, self._text_search)
        return bool(self.rule)

    def hold(self, answer: Answer) -> Ending | None:
        """Hold the line until there is another session; after too many, return how it ends."""
        error = f"the server answered {answer.status}, which fits http.logged_out: {self.rule}"
        ending = Ending(Outcome.HTTP_ERROR, error=error)
        if self.count >= _MAX_TRIES:
            return ending
        self.count += 1
        self.held = ending
        self._log_ins.refused(self._session.generation)
        return None

    @property
    def wait_s(self) -> float:
        """How long the line must wait before it looks for a new session again; 0: no wait."""
        return _CHECK_S if self.held and self._log_ins.is_waiting() else 0.0

    def release(self) -> Ending | None:
        """Hold the line no longer; return how it ends, None if there is another session."""
        ending, self.held = self.held, None
        is_other = self._log_ins.session.generation != self._session.generation
        return None if is_other else ending
