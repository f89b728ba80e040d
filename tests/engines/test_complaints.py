"""A complaint that several children make is shown once."""

from __future__ import annotations

from fetcher.engines.complaints import Complaints
from fetcher.telemetry.logs import OURS

LINE = f"{OURS}http.auth = 'x:y': ModuleNotFoundError"


def test_the_same_complaint_is_repeated_within_a_moment() -> None:
    complaints = Complaints()
    assert not complaints.is_repeated(LINE, 10.0)
    assert complaints.is_repeated(LINE, 14.9)
    assert complaints.is_repeated(LINE, 19.8), "the last one counts"
    assert not complaints.is_repeated(LINE, 24.8)


def test_other_complaints_and_other_lines_are_shown() -> None:
    complaints = Complaints()
    assert not complaints.is_repeated(LINE, 0.0)
    assert not complaints.is_repeated(f"{LINE} again", 0.0)
    for _ in range(2):
        assert not complaints.is_repeated("a line of a traceback", 0.0)
