"""Numbers, sizes, times and texts as people read them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher import humanize
from fetcher.humanize import shell_word

TEXTS = [
    *("out", "", "it's out", "a b", "$HOME", "`id`", "*", "back\\slash", "ä"),
    *("tab\there", "two\nlines", "'\n'", '"\n"', "\\\n\\", "bell\x07f", "\x1b[31mred", "$\n{a}"),
    *("left\N{RIGHT-TO-LEFT OVERRIDE}right", "\N{NO-BREAK SPACE}ä\x7f1", "\r\nend\n"),
]


def test_bash_reads_each_shell_word_as_the_text_that_it_was_made_of() -> None:
    words = " ".join(map(shell_word, TEXTS))
    assert words.isprintable()
    done = subprocess.run(
        ["bash", "-c", rf"printf '%s\0' {words}"], check=True, capture_output=True, timeout=60
    )
    assert done.stdout.decode().split("\0")[:-1] == TEXTS


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_345, "12,345 rows")]
)
def test_a_noun_is_singular_for_one_alone(count: int, said: str) -> None:
    assert humanize.counted(count, "row") == said


@pytest.mark.parametrize(
    ("per_s", "said"),
    [(0.0, "0"), (0.4213, "0.421"), (7.1, "7.1"), (99.94, "99.9"), (99.96, "100"), (1234, "1,234")],
)
def test_a_rate_has_three_digits(per_s: float, said: str) -> None:
    assert humanize.rate(per_s) == said


def test_only_known_rates_are_said() -> None:
    assert humanize.rates(140, 125) == ["140 lines/s now", "125 lines/s on average"]
    assert humanize.rates(None, 0.5) == ["0.5 lines/s on average"]
    assert humanize.rates(None, None) == []


def test_a_zero_is_said_of_lines_in_flight_and_batches_at_workers_alone() -> None:
    assert humanize.activity() == []
    assert humanize.activity(0, 0, 0, 0, 0) == ["0 being fetched", "0 batches at workers"]
    assert humanize.activity(13, 40, 2, 1, 7) == [
        "13 being fetched",
        "2 waiting for a free slot",
        "40 waiting for their host's turn",
        "1 batch at workers",
        "7 batches to be handed out",
    ]


def test_a_resting_host_is_said_with_the_lines_that_wait_for_it() -> None:
    said = "h.test rests 28 s more after 503: 40 lines wait"
    assert humanize.rest("h.test", 28.3, "503", 40) == said
    assert humanize.rest("h.test", 1, "429", 1) == "h.test rests 1 s more after 429: 1 line waits"
    assert humanize.rest("h.test", 1, "429", 0) == "h.test rests 1 s more after 429"


def test_unprintable_characters_are_escaped_except_those_that_are_kept() -> None:
    assert humanize.escaped("plain ä") == "plain ä"
    assert humanize.escaped("a\x1b[31m\u202e\n\t") == "a\\x1b[31m\\u202e\\n\\t"
    assert humanize.escaped("a\n\x07\t", kept="\n\t") == "a\n\\x07\t"


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_is_never_longer_than_allowed(text: str, most: int) -> None:
    short = humanize.shortened(text, most)
    assert len(short) <= most
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_the_phase_finish_is_called_finishing() -> None:
    assert [humanize.phase(name) for name in ("finish", "running")] == ["finishing", "running"]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (1024**3, "1.0 GiB"),
        (5 * 1024**5, "5,120.0 TiB"),
    ],
)
def test_a_size_has_the_largest_unit_that_fits(count: int, said: str) -> None:
    assert humanize.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (86_400, "1 d 0 h"),
        (3 * 86_400 + 4 * 3600 + 1800, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units(seconds: float, said: str) -> None:
    assert humanize.duration(seconds) == said


def test_a_time_below_a_minute_has_tenths_of_a_second() -> None:
    assert [humanize.seconds(value) for value in (0, 8.04, 59.94, 59.95)] == [
        *("0.0 s", "8.0 s", "59.9 s", "1 min 00 s"),
    ]


def test_the_time_left_says_whether_it_is_the_least() -> None:
    assert humanize.time_left(200, is_least=False) == "3 min 20 s left"
    assert humanize.time_left(200, is_least=True) == "at least 3 min 20 s left"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0 ms"),
        (0.004, "<0.01 ms"),
        (0.0213, "0.0213 ms"),
        (4.12, "4.12 ms"),
        (812.4, "812 ms"),
        (999.4, "999 ms"),
        (999.5, "1 s"),
        (3421, "3.42 s"),
        (59_994, "60 s"),
        (125_000, "2 min 05 s"),
    ],
)
def test_milliseconds_have_three_digits_and_a_fitting_unit(value: float, said: str) -> None:
    assert humanize.milliseconds(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0.0 %"),
        (0.0004, "<0.1 %"),
        (0.0005, "0.1 %"),
        (0.915, "91.5 %"),
        (0.9994, "99.9 %"),
        (0.9996, ">99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_only_nothing_is_zero_percent_and_only_all_is_a_hundred(share: float, said: str) -> None:
    assert humanize.percent(share) == said
