"""From which routes a worker takes tasks, and when these have no more for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Routes, State, Turns
from fetcher.protocol.totals import Totals
from fetcher.roles.worker.task_sockets import TaskSockets

STATE = State("j", "running", Totals(), SourceInfo(), 0, 1, 0, 1)
NAMES = ["default", "eu", "us"]


def served(*routes: str) -> TaskSockets:
    return TaskSockets("tcp://h:1", routes, lambda _: None, lambda _: None)


@pytest.mark.parametrize(
    ("routes", "all_out", "is_all_out"),
    [
        (("eu",), ["eu"], True),
        (("eu",), ["default", "us"], False),
        (("eu", "us"), ["eu"], False),
        (("eu", "us"), ["eu", "us"], True),
        ((), ["eu", "us"], False),
        ((), NAMES, True),
    ],
)
def test_a_worker_is_unneeded_once_others_have_all_lines_of_its_routes(
    routes: Sequence[str], all_out: list[str], is_all_out: bool
) -> None:
    state = replace(STATE, routes=Routes(NAMES, all_out=all_out))
    assert served(*routes).is_all_out(state) is is_all_out


def test_in_a_job_without_routes_the_whole_job_counts() -> None:
    assert not served().is_all_out(STATE)
    assert served().is_all_out(replace(STATE, turns=Turns(0.0, is_all=True)))
