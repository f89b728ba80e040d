"""Suggestions for mistyped names."""

from __future__ import annotations

import pytest

from fetcher.settings import suggest


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("timeout", ["http.total_timeout_s"]),
        ("pool_size", ["worker.pool_size"]),
        ("worker_pool", ["worker.pool_size"]),
        ("pool_sise", ["worker.pool_size"]),
        ("http", []),
        ("nothing_like_it", []),
    ],
)
def test_words_without_a_section_mean_the_setting_with_these_words(
    words: str, keys: list[str]
) -> None:
    assert suggest.keys_meant_by(words) == keys


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ("http.timeout", ["http.total_timeout_s"]),
        ("http.pool_size", ["worker.pool_size"]),
        ("retry.atempts", ["retry.attempts"]),
        ("job.nothing_like_it", []),
    ],
)
def test_a_mistyped_key_means_one_in_its_section_or_of_its_name(key: str, keys: list[str]) -> None:
    assert suggest.keys_near(key) == keys


def test_a_suggestion_is_a_question() -> None:
    assert suggest.did_you_mean(["a", "b"]) == " (did you mean a or b?)"
    assert suggest.did_you_mean([]) == ""
    assert suggest.guess("TIMEOUTS", ["ok", "timeout"]) == " (did you mean timeout?)"
    assert suggest.home("pool_size") == " (did you mean [worker] pool_size?)"
