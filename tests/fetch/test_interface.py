"""Fetchers of one function, and which fetcher the settings choose."""

from __future__ import annotations

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError
from fetcher.fetch.body.capture import Keep
from fetcher.fetch.interface import OneStep, make_fetcher, with_kind
from fetcher.fetch.null import NullFetcher
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Http, Settings, Worker

TASK = Task(7, "http://a.test/")


class Answering(OneStep):
    """Answers each line with the same result."""

    def __init__(self, result: object) -> None:
        self._result = result

    def fetch(self, task: Task) -> Result:
        assert task is TASK
        return self._result  # type: ignore[return-value]


def result(outcome: Outcome, error: str | None = None) -> Result:
    return Result(7, TASK.url, outcome, error=error)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (result(Outcome.OK), ""),
        (result(Outcome.HTTP_ERROR, "404"), ""),
        (result(Outcome.DNS, "no such name"), "no such name"),
        (result(Outcome.TIMEOUT), "timeout"),
        (result(Outcome.BLOCKED, "private"), ""),
    ],
)
def test_one_step_makes_the_result_and_says_whether_the_host_was_reached(
    answer: Result, trouble: str
) -> None:
    fetch = Answering(answer).begin(TASK)
    assert (fetch.url, fetch.result, fetch.trouble) == (TASK.url, None, "")
    fetch.step()
    assert (fetch.result, fetch.trouble) == (answer, trouble)
    assert (fetch.body, fetch.captures, fetch.is_sent) == (None, [], True)


def test_a_function_that_returns_no_result_is_named() -> None:
    with pytest.raises(TypeError, match=r"it returned a str, not a Result"):
        Answering("text").begin(TASK).step()


def test_a_line_whose_host_is_given_up_is_not_tried() -> None:
    fetch = Answering(result(Outcome.OK)).begin(TASK)
    fetch.give_up("the host did not answer 10 times")
    found = fetch.result
    assert found is not None
    assert (found.line, found.outcome, found.attempts) == (7, Outcome.CONNECT, 0)
    assert found.error == "the host did not answer 10 times"
    assert found.error_kind == ErrorKind.CONNECT_NOT_TRIED.word


def test_a_result_without_a_kind_gets_other_where_its_outcome_has_kinds() -> None:
    assert with_kind(result(Outcome.DNS)).error_kind == "other"
    assert with_kind(result(Outcome.OK)).error_kind is UNSET
    assert with_kind(result(Outcome.HTTP_ERROR)).error_kind is UNSET


def test_a_kind_stays_if_its_outcome_has_it() -> None:
    named = replace(result(Outcome.DNS), error_kind="no_such_name")
    assert with_kind(named) is named
    with pytest.raises(ValueError, match="no_such_name"):
        with_kind(replace(result(Outcome.TLS), error_kind="no_such_name"))


def test_the_settings_choose_the_fetcher() -> None:
    settings = replace(Settings(), worker=Worker(transport="null"))
    fetcher = make_fetcher(settings, "w")
    assert isinstance(fetcher, NullFetcher)
    assert fetcher.keep is Keep.NOTHING
    own = replace(Settings(), worker=Worker(transport="fetcher.fetch.null:NullFetcher"))
    assert isinstance(make_fetcher(own, "w"), NullFetcher)


def test_a_fetcher_that_cannot_log_in_is_refused_a_log_in() -> None:
    settings = replace(Settings(), worker=Worker(transport="null"), http=Http(login="my:function"))
    with pytest.raises(ConfigError, match=r"http\.login: worker\.transport = 'null' does not use"):
        make_fetcher(settings, "w")
