"""Records how far an attempt came, and makes its Result."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import shown, shown_headers
from fetcher.fetch.transfer.message import NO_ANSWER, Answer
from fetcher.model import Outcome, Result, Task, Timings


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended. `ok` has no error, `http_error` has no kind, all others have both."""

    outcome: Outcome
    kind: ErrorKind | None = None
    error: str | None = None


def ending_of(failure: Failure | None, answer: Answer) -> Ending:
    """The ending of an attempt that was not `ok`."""
    if failure is None:
        return Ending(Outcome.HTTP_ERROR, error=f"the server answered {answer.status}")
    return Ending(failure.outcome, failure.kind, failure.message)


class Spent(msgspec.Struct, frozen=True, gc=False):
    """The values of a row that count for the whole fetch."""

    attempts: int
    started_at: float | None  # Unix time, seconds
    total_ms: float  # of the last attempt
    worker: str


class AttemptLog(msgspec.Struct):
    """How far one attempt came, and its last answer."""

    final_url: str | None = None
    answer: Answer = NO_ANSWER  # the last that had a head
    dns_ms: float | None = None
    phases_ms: tuple[float | None, float | None, float | None] = (None, None, None)

    def note(self, url: str, answer: Answer) -> None:
        """Record how far the hop to `url` came."""
        self.phases_ms = answer.phases_ms
        if answer.status:
            self.final_url = url
            self.answer = answer

    def result(self, task: Task, hops: tuple[str, ...], ending: Ending, spent: Spent) -> Result:
        """The row of the attempt, with this ending; `hops`: the URLs that redirects led to."""
        answer = self.answer
        headers, content_type = answer.headers, answer.content_type
        if not answer.is_ascii:
            headers, content_type = shown_headers(headers), content_type and shown(content_type)
        # A redirect's body is not kept, and not even read to its end.
        has_body = bool(answer.status) and not answer.redirect_to
        # By position, in the order of the row's keys: by name it takes twice the time.
        return Result(
            task.line,
            task.url,
            ending.outcome,
            answer.status or None,
            self.final_url,
            hops,
            ending.error,
            UNSET if ending.kind is None else ending.kind.word,
            headers,
            content_type,
            answer.body_bytes if has_body else None,
            answer.wire_bytes if has_body else None,
            answer.sha256 if has_body and answer.is_whole else None,
            spent.attempts,
            spent.started_at,
            Timings(self.dns_ms, *self.phases_ms, spent.total_ms),
            answer.remote_ip,
            answer.http_version,
            spent.worker,
            UNSET,
            UNSET,
            True if has_body and not answer.is_whole else UNSET,
        )
