"""The table of error kinds is consistent; fetch/test_error_kinds.py shows what leads to each."""

from __future__ import annotations

import re

import pytest
from msgspec import UNSET

from fetcher.error_kinds import ALLOWED, KINDS, OTHER, WORDS, ErrorKind, kind_of
from fetcher.model import OUTCOMES, Fault, Outcome


def test_each_outcome_but_two_has_kinds_and_one_of_them_is_other() -> None:
    without = {outcome for outcome in OUTCOMES if not KINDS[outcome]}
    assert without == {Outcome.OK, Outcome.HTTP_ERROR}
    assert all(OTHER in KINDS[outcome] for outcome in set(OUTCOMES) - without)


def test_each_kind_is_found_by_its_outcome_and_word() -> None:
    for kind in ErrorKind:
        assert kind_of(kind.outcome, kind.word) is kind
    assert len(set(ErrorKind)) == len(ErrorKind.__members__), "two names for one kind"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_row_may_have_the_words_of_its_outcome_alone(outcome: Outcome) -> None:
    words: set[object] = {kind.word for kind in ErrorKind if kind.outcome is outcome}
    assert ALLOWED[OUTCOMES.index(outcome)] == (words or {UNSET})


def test_a_word_is_short_and_listed_once() -> None:
    assert len(set(WORDS)) == len(WORDS)
    assert set(WORDS) == {kind.word for kind in ErrorKind}
    assert all(re.fullmatch("[a-z][a-z0-9_]*", word) for word in WORDS)


@pytest.mark.parametrize(
    ("outcome", "word", "said"),
    [
        (Outcome.DNS, "expired", "outcome dns has no error_kind 'expired'; it has no_such_name, "),
        (Outcome.OK, "other", "outcome ok has no error_kind 'other'; it has none"),
    ],
)
def test_a_word_of_another_outcome_is_refused(outcome: Outcome, word: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        kind_of(outcome, word)


def test_a_kind_becomes_the_fault_of_a_line() -> None:
    assert ErrorKind.URL_PORT.fault("port 0") == Fault("port", "port 0")
