"""Lists of outcomes: names, the word `failed`, and names that are left out."""

from __future__ import annotations

import pytest

from fetcher.errors import UsageError
from fetcher.input.outcomes import FAILED, outcomes_named
from fetcher.model import Outcome


@pytest.mark.parametrize("text", ["failed", "!ok", " !OK ", "Failed", "failed,timeout", "! ok"])
def test_failed_is_every_outcome_but_ok(text: str) -> None:
    assert outcomes_named(text) == FAILED == set(Outcome) - {Outcome.OK}


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_is_known_by_its_name(outcome: Outcome) -> None:
    assert outcomes_named(outcome.value.upper()) == {outcome}
    assert outcomes_named(f"!{outcome.value}") == set(Outcome) - {outcome}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timeout, DNS,,timeout", {Outcome.TIMEOUT, Outcome.DNS}),
        ("!ok,!robots", FAILED - {Outcome.ROBOTS}),
        ("!robots,failed", FAILED - {Outcome.ROBOTS}),
        ("!failed", {Outcome.OK}),
        ("ok,failed", set(Outcome)),
        ("all", set(Outcome)),
        ("all,!timeout", set(Outcome) - {Outcome.TIMEOUT}),
    ],
)
def test_names_add_up_and_names_after_a_mark_are_left_out(
    text: str, expected: set[Outcome]
) -> None:
    assert outcomes_named(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeouts", "timeouts: there is no such outcome (did you mean timeout?)"),
        ("!http-error", "http-error: there is no such outcome (did you mean http_error?)"),
        ("fail", "fail: there is no such outcome (did you mean failed?)"),
    ],
)
def test_an_unknown_name_is_refused_with_a_guess_alone(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        outcomes_named(text)
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["", " , ", "xyzzy", "dns,!dns", "!"])
def test_without_a_guess_all_names_are_listed(text: str) -> None:
    with pytest.raises(UsageError, match=r"ok, http_error, .*, handler, failed, all$"):
        outcomes_named(text)
