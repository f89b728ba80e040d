"""The fetcher that measures the pipeline: it fetches nothing."""

from __future__ import annotations

from fetcher.fetch.null import NullFetcher
from fetcher.model import Fault, Outcome, Task
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings


def test_every_url_is_ok_at_once() -> None:
    found = NullFetcher(Settings(), "w").fetch(Task(7, "http://a.test/"))
    assert (found.line, found.url, found.outcome, found.status) == (
        *(7, "http://a.test/"),
        *(Outcome.OK, 200),
    )
    assert (found.final_url, found.worker, found.attempts) == ("http://a.test/", "w", 1)
    assert jsonl.decode(jsonl.encode(found)) == found


def test_a_line_with_a_fault_is_not_ok() -> None:
    task = Task(7, "x", Fault("scheme", "the URL has no scheme"))
    found = NullFetcher(Settings(), "w").fetch(task)
    assert (found.outcome, found.error, found.error_kind) == (
        Outcome.INVALID_URL,
        "the URL has no scheme",
        "scheme",
    )
