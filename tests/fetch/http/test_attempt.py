"""The row of an attempt, from how far it came."""

from __future__ import annotations

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.attempt import AttemptLog, Ending, Spent, ending_of
from fetcher.fetch.transfer.message import NO_ANSWER, Answer
from fetcher.model import Outcome, Result, Task, Timings

TASK = Task(7, "http://a.test/")
SPENT = Spent(2, 1000.5, 12.5, "w")
WHOLE = replace(
    NO_ANSWER,
    status=200,
    headers=[("Content-Type", "text/html")],
    content_type="text/html",
    body_bytes=5,
    wire_bytes=3,
    sha256="f" * 64,
    is_whole=True,
    remote_ip="10.0.0.1",
    http_version="1.1",
    phases_ms=(1.0, None, 2.0),
)


def row(*answers: Answer, ending: Ending | None = None) -> Result:
    """The row of an attempt with an answer for each hop."""
    log = AttemptLog()
    for number, answer in enumerate(answers):
        log.note(f"http://a.test/{number}", answer)
    return log.result(TASK, (), ending or Ending(Outcome.OK), SPENT)


def test_a_whole_answer_has_all_its_values() -> None:
    found = row(WHOLE)
    assert (found.line, found.url, found.outcome, found.status) == (7, TASK.url, Outcome.OK, 200)
    assert (found.final_url, found.error, found.error_kind) == ("http://a.test/0", None, UNSET)
    assert (found.body_bytes, found.wire_bytes, found.sha256) == (5, 3, "f" * 64)
    assert (found.attempts, found.started_at, found.worker) == (2, 1000.5, "w")
    assert found.timings_ms == Timings(None, 1.0, None, 2.0, 12.5)
    assert (found.remote_ip, found.http_version, found.truncated) == ("10.0.0.1", "1.1", UNSET)
    assert found.content_type == "text/html"


def test_an_attempt_without_an_answer_has_none_of_its_values() -> None:
    ending = ending_of(Failure(ErrorKind.CONNECT_REFUSED, "refused"), NO_ANSWER)
    found = row(NO_ANSWER, ending=ending)
    assert (found.outcome, found.error) == (Outcome.CONNECT, "refused")
    assert found.error_kind == ErrorKind.CONNECT_REFUSED.word
    assert (found.status, found.final_url, found.content_type) == (None, None, None)
    assert (found.body_bytes, found.wire_bytes, found.sha256) == (None, None, None)
    assert found.truncated is UNSET


def test_a_body_that_was_cut_has_no_digest() -> None:
    found = row(replace(WHOLE, is_whole=False))
    assert (found.body_bytes, found.sha256, found.truncated) == (5, None, True)


def test_the_body_of_a_redirect_does_not_count() -> None:
    found = row(replace(WHOLE, status=301, redirect_to="/x"))
    assert (found.status, found.body_bytes, found.sha256) == (301, None, None)
    assert found.truncated is UNSET


def test_the_last_answer_that_had_a_head_counts() -> None:
    found = row(replace(WHOLE, status=302), replace(NO_ANSWER, phases_ms=(3.0, None, None)))
    assert (found.status, found.final_url) == (302, "http://a.test/0")
    assert found.timings_ms is not None
    assert found.timings_ms.connect == 3.0, "of the last hop"


def test_headers_are_shown_as_text() -> None:
    wire = "caf\xc3\xa9"
    found = row(replace(WHOLE, headers=[("X", wire)], content_type=wire, is_ascii=False))
    assert (found.headers, found.content_type) == ([("X", "café")], "café")


@pytest.mark.parametrize("status", [404, 500])
def test_an_answer_that_is_an_error_says_its_status(status: int) -> None:
    ending = ending_of(None, replace(WHOLE, status=status))
    assert ending == Ending(Outcome.HTTP_ERROR, None, f"the server answered {status}")
