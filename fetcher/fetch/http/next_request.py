"""Prepares the request of a line's next hop: its own first, then what each redirect makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.error_kinds import ErrorKind, kind_of
from fetcher.fetch import urls
from fetcher.fetch.cookies.jar import Cookies
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import merged, to_wire
from fetcher.fetch.http.shared import Shared
from fetcher.fetch.transfer import redirects
from fetcher.fetch.transfer.message import Answer, Request
from fetcher.model import Outcome, Task
from fetcher.web_urls import Target

if TYPE_CHECKING:
    from fetcher.fetch.http.conditional import Conditional
    from fetcher.fetch.http.log_in import LineLogIn


class NextRequest:
    """The next request of one attempt at a line.

    `hops`: the URLs that redirects led to. `is_home`: the request goes to the line's own origin,
    which its user has named; credentials go nowhere else.
    """

    def __init__(self, shared: Shared, task: Task, cookies: Cookies | None) -> None:
        self._shared = shared
        self._task = task
        self._target: Target | None = None  # None before the first hop
        self._method = task.method
        self._headers = shared.harmless_headers if task.is_foreign else shared.headers
        if task.headers:
            given = tuple((name, to_wire(value)) for name, value in task.headers)
            self._headers = merged(self._headers, given)
        self._body = task.body
        # None until there is a cookie or a redirect.
        self._chain = cookies.chain() if cookies else None
        self.hops: tuple[str, ...] = ()
        self.is_home = not task.is_foreign

    def target(self) -> Target:
        """The target of the request. Raises Failure if the line has no URL."""
        if self._target is None:
            shared, task = self._shared, self._task
            try:
                if task.fault is not None:
                    raise urls.NoUrlError(task.fault)
                known = shared.targets.pop(task.url, None) if shared.targets else None
                max_bytes = shared.settings.http.max_url_bytes
                self._target = known or urls.target_of(task.url, max_bytes)
            except urls.NoUrlError as error:
                kind = kind_of(Outcome.INVALID_URL, error.fault.kind)
                raise Failure(kind, error.fault.message) from error
        return self._target

    def made(
        self, target: Target, log_in: LineLogIn | None, conditional: Conditional | None
    ) -> Request:
        """The request, with what the line's log-in and its earlier answer add."""
        headers = self._headers
        cookie = self._chain.header_for(target.url) if self._chain else None
        if cookie and not any(name.lower() == "cookie" for name, _ in headers):
            headers = (*headers, ("Cookie", cookie))
        if log_in is not None:
            headers = log_in.added(target, headers, self._task.headers)
        if conditional is not None:
            headers = conditional.added(target.url, self._method, headers)
        return Request(target.url, self._method, headers, self._body)

    def redirected_to(self, source: Target, answer: Answer) -> Target:
        """The target of this answer's redirect. Raises Failure."""
        return redirects.hop(source, answer.redirect_to, self._shared.settings.http)

    def require_body_may_go(self, source: Target, answer: Answer, target: Target) -> None:
        """Raise Failure if the redirect takes a body to an origin that may not have it."""
        if self._body:
            http = self._shared.settings.http
            redirects.require_body_may_go(answer.status, source, target, http)

    def follow(self, source: Target, answer: Answer) -> Target:
        """Make the next request that of the redirect; return its target. Raises Failure."""
        most = self._shared.settings.http.max_redirects
        if len(self.hops) >= most:
            said = f"more than http.max_redirects ({most}) redirects"
            raise Failure(self._kind_of_chain(), said)
        target = self.redirected_to(source, answer)
        self.require_body_may_go(source, answer, target)
        same_origin = target[1:] == source[1:]
        with_body = redirects.keeps_body(answer.status)
        self._chain = self._chain or Cookies().chain()
        self._chain.absorb(source.url, answer.headers)
        self._headers = redirects.headers_after(
            self._headers, same_origin=same_origin, with_body=with_body
        )
        self.is_home = self.is_home and same_origin
        self._body = self._body if with_body else None
        self._method = redirects.method_after(answer.status, self._method)
        self._target = target
        self.hops = (*self.hops, target.url)
        return target

    def _kind_of_chain(self) -> ErrorKind:
        """Why a chain of redirects is too long: a loop, or just too many."""
        most_bytes = self._shared.settings.http.max_url_bytes
        asked = [urls.target_of(self._task.url, most_bytes).url, *self.hops]
        is_loop = len(set(asked)) < len(asked)
        return ErrorKind.REDIRECTS_LOOP if is_loop else ErrorKind.REDIRECTS_TOO_MANY
