"""What the progress line says."""

from __future__ import annotations

import pytest

from fetcher import humanize
from fetcher.commit.rate import Rate
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.watch import progress, summary
from fetcher.watch.job_view import from_state


def state(rows: int, source: SourceInfo, **more: object) -> messages.State:
    outcomes = {"ok": rows - 6, "timeout": 3, "dns": 2, "tls": 1} if rows > 6 else {"ok": rows}
    fields = {"phase": "running", "in_flight": 1234, "workers": 2, "redelivered": 0}
    fields |= {"ventilator_number": 1, **more}
    return messages.State(
        job="j",
        totals=Totals(rows=rows, outcomes=outcomes),
        source=source,
        **fields,  # type: ignore[arg-type]
    )


def test_the_line_tells_done_total_rate_in_flight_outcomes_and_the_time_left() -> None:
    source = SourceInfo(url_lines=20_000, at_end=True, fraction=1.0)
    assert progress.describe(from_state(state(10_000, source), 100.0)) == (
        "10,000/20,000 lines · 100/s · 1,234 in flight · "
        "ok 9,994, dns 2, timeout 3, others 1 · 1 min 40 s left"
    )


@pytest.mark.parametrize(
    ("per_s", "turns", "said"),
    [
        (100.0, messages.Turns(170.0, is_all=True), " · 2 min 50 s left"),
        (100.0, messages.Turns(170.0), " · at least 2 min 50 s left"),
        (100.0, messages.Turns(10.0), " · 1 min 40 s left"),
        (0.0, messages.Turns(170.0, is_all=True), " · 2 min 50 s left"),
        (0.0, messages.Turns(), "others 1"),
    ],
)
def test_the_time_left_is_that_of_the_rate_or_of_the_slowest_host_s_turns(
    per_s: float, turns: messages.Turns, said: str
) -> None:
    source = SourceInfo(url_lines=20_000, at_end=True, fraction=1.0)
    job = from_state(state(10_000, source, turns=turns), per_s)
    assert progress.describe(job).endswith(said)
    assert progress.fields(job)["left_is_least"] is ("at least" in said)


def test_an_estimated_total_is_marked_and_an_unknown_one_left_out() -> None:
    estimated = from_state(state(1, SourceInfo(url_lines=5_000, fraction=0.25)), 1.0)
    assert "/~20,000 lines" in progress.describe(estimated)
    unknown = from_state(state(1, SourceInfo()), 0.0)
    assert progress.describe(unknown).startswith("1 line · 0/s")


@pytest.mark.parametrize(("phase", "said"), [("frozen", "frozen"), ("finish", "finishing")])
def test_other_phases_are_named(phase: str, said: str) -> None:
    source = SourceInfo(url_lines=20, at_end=True)
    job = from_state(state(5, source, phase=phase), 5.0)
    assert progress.describe(job).endswith(f" · {said}")


def test_a_ventilator_that_starts_does_not_know_yet_what_is_done() -> None:
    job = from_state(state(0, SourceInfo(url_lines=1, at_end=True), phase="starting"), 17.2)
    assert progress.describe(job) == "starting"
    assert summary.done_of(job) == "what is done is not known yet"


def test_the_rate_is_of_the_last_seconds_and_not_of_an_earlier_run() -> None:
    rate = Rate()
    source = SourceInfo()
    assert rate.per_s() == 0
    rate.hear(0, state(0, source, phase="starting"))
    for second in range(30):
        rows = 5000 + (10 * second if second < 15 else 150 + 100 * (second - 15))
        rate.hear(second, state(rows, source))
    assert rate.per_s() == pytest.approx(100)


def test_the_rate_of_the_next_job_does_not_know_the_last() -> None:
    rate = Rate()
    for second in range(5):
        rate.hear(second, state(1000 * second, SourceInfo()))
    for second in range(5, 8):
        rate.hear(second, state(10 * (second - 5), SourceInfo()))
    assert rate.per_s() == pytest.approx(10)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert humanize.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1536, "1.5 KiB"),
        (1_027_379, "1,003.3 KiB"),
        (3 << 40, "3.0 TiB"),
    ],
)
def test_sizes_are_read_at_a_glance(count: int, text: str) -> None:
    assert humanize.size(count) == text


def test_the_log_has_the_same_numbers_for_programs() -> None:
    job = from_state(state(10, SourceInfo(url_lines=20, at_end=True), copied=0), 0.5)
    assert progress.fields(job) == {
        "phase": "running",
        "rows": 10,
        "url_lines": 20,
        "url_lines_exact": True,
        "rate_per_s": 0.5,
        "left_s": 20.0,
        "left_is_least": False,
        "in_flight": 1234,
        "workers": 2,
        "redelivered": 0,
        "copied": 0,
        "outcomes": {"ok": 4, "dns": 2, "timeout": 3, "tls": 1},
    }
