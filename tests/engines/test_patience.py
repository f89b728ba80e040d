"""When workers leave a job that runs elsewhere before it is complete."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.engines.patience import Leave, Patience
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals

RUNNING = messages.State("mine", "running", Totals(), SourceInfo(), 0, 1, 0, 1)
STOPPING = replace(RUNNING, phase="stopping")
OTHER = replace(RUNNING, job="other")


def test_without_limits_they_wait_for_ever() -> None:
    patience = Patience(0.0)
    for state in (OTHER, STOPPING, RUNNING):
        patience.hear(state, 1.0)
    assert patience.leave(1e9) is None


def test_they_leave_when_no_ventilator_was_heard_for_long() -> None:
    patience = Patience(100.0, patience_s=30.0)
    assert patience.leave(130.0) is None
    patience.hear(RUNNING, 130.0)
    assert patience.leave(160.0) is None
    assert patience.leave(160.1) is Leave.SILENT
    patience.hear(RUNNING, 161.0)
    assert patience.leave(161.0) is Leave.SILENT, "they have begun to leave"


def test_workers_of_one_job_leave_another_at_once() -> None:
    patience = Patience(0.0, job="mine")
    patience.hear(replace(RUNNING, job=""), 1.0)
    assert patience.leave(1.0) is None, "the ventilator does not know its job yet"
    patience.hear(OTHER, 2.0)
    assert patience.leave(2.0) is Leave.OTHER_JOB


def test_workers_of_one_job_leave_when_it_is_stopped() -> None:
    patience = Patience(0.0, job="mine")
    patience.hear(RUNNING, 1.0)
    assert patience.leave(1.0) is None
    patience.hear(STOPPING, 2.0)
    assert patience.leave(2.0) is Leave.STOPPING


def test_a_slot_s_time_is_bounded_from_when_it_heard_the_ventilator() -> None:
    patience = Patience(5.0, patience_s=30.0, job="mine", life_s=20.0)
    patience.hear(RUNNING, 20.0)
    patience.hear(RUNNING, 39.0)
    assert patience.leave(39.9) is None
    assert patience.leave(40.0) is Leave.TIME_IS_UP
