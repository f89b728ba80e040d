"""How many slots an engine is asked for, by what the ventilator hears."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.engines.slot_plan import SlotPlan, life_s
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Routes, State, Turns
from fetcher.protocol.totals import Totals

START_S = 60.0


def state(workers: int, joined: int, ventilator: int = 1) -> State:
    return State("j", "running", Totals(), SourceInfo(), 0, workers, 0, ventilator, joined=joined)


def routed(*loads: tuple[int, int], all_out: str = "", ventilator: int = 1) -> State:
    """A state with the workers and the joined ones of the routes default, eu and us."""
    names = ["default", "eu", "us"]
    workers, joined = zip(*loads, strict=True)
    routes = Routes(names, [], all_out.split(), list(workers), list(joined))
    return replace(state(sum(workers), sum(joined), ventilator), routes=routes)


def plan_with(wanted: int, workers: int) -> SlotPlan:
    """A plan that has `workers` of its slots."""
    plan = SlotPlan(wanted, START_S)
    plan.placed(workers, 0.0)
    plan.hear(state(workers, workers), 0.0)
    return plan


def test_nothing_is_placed_before_the_job_is_known() -> None:
    plan = SlotPlan(4, START_S)
    assert plan.missing(0.0) == 0
    plan.hear(replace(state(0, 0), job="", phase="starting"), 0.0)
    assert plan.missing(0.0) == 0
    plan.hear(state(0, 0), 0.5)
    assert plan.missing(0.5) == 4


def test_slots_that_were_placed_count_until_they_join() -> None:
    plan = SlotPlan(4, START_S)
    plan.hear(state(0, 0), 0.0)
    plan.placed(4, 0.0)
    assert plan.missing(1.0) == 0
    plan.hear(state(3, 3), 2.0)
    assert plan.missing(2.0) == 0
    plan.hear(state(4, 4), 3.0)
    assert (plan.missing(3.0), plan.coming) == (0, 0)


def test_a_slot_that_does_not_start_is_placed_again() -> None:
    plan = SlotPlan(4, START_S)
    plan.placed(4, 0.0)
    plan.hear(state(3, 3), 5.0)
    assert plan.missing(START_S) == 0
    assert plan.missing(START_S + 0.1) == 1


def test_a_worker_that_was_lost_is_replaced() -> None:
    plan = plan_with(4, workers=4)
    plan.hear(state(3, 4), 10.0)
    assert plan.missing(10.0) == 1


def test_one_that_joins_in_the_moment_in_which_another_leaves_is_counted() -> None:
    plan = plan_with(4, workers=4)
    plan.hear(state(3, 4), 10.0)
    plan.placed(1, 10.0)
    plan.hear(state(3, 5), 11.0)
    assert plan.coming == 0
    assert plan.missing(11.0) == 1


def test_a_slot_that_the_engine_ran_twice_is_not_replaced_when_it_leaves() -> None:
    plan = plan_with(4, workers=4)
    plan.hear(state(5, 5), 10.0)
    assert plan.missing(10.0) == 0
    plan.hear(state(4, 5), 20.0)
    assert plan.missing(20.0) == 0


def test_at_the_tail_no_slot_is_added_while_a_worker_lives() -> None:
    plan = plan_with(4, workers=4)
    tail = replace(state(1, 4), turns=Turns(0.0, is_all=True))
    plan.hear(tail, 10.0)
    assert plan.missing(10.0) == 0
    plan.hear(replace(tail, workers=0), 11.0)
    assert plan.missing(11.0) == 4, "nobody is left to fetch what is in flight"


def test_a_job_that_is_stopped_or_complete_gets_no_more_slots() -> None:
    for phase in ("paused", "stopping", "finish"):
        plan = SlotPlan(4, START_S)
        plan.hear(replace(state(0, 0), phase=phase), 0.0)
        assert plan.missing(0.0) == 0


def test_a_new_ventilator_gets_time_to_hear_the_workers_of_the_old_one() -> None:
    plan = plan_with(4, workers=4)
    plan.hear(state(0, 0, ventilator=2), 10.0)
    assert plan.missing(10.0) == 0
    plan.hear(state(3, 3, ventilator=2), 11.0)
    assert plan.missing(11.0) == 0
    plan.hear(state(3, 3, ventilator=2), 16.0)
    assert plan.missing(16.0) == 1


def test_a_plan_of_a_route_counts_the_workers_of_this_route_alone() -> None:
    plan = SlotPlan(4, START_S, ("eu",))
    plan.hear(routed((9, 9), (0, 0), (5, 5)), 0.0)
    assert (plan.missing(0.0), plan.has_joined) == (4, False)
    plan.placed(4, 0.0)
    plan.hear(routed((19, 19), (3, 3), (5, 5)), 1.0)
    assert (plan.missing(1.0), plan.coming, plan.has_joined) == (0, 1, True)
    plan.hear(routed((19, 19), (3, 4), (5, 5)), 2.0)
    assert (plan.missing(2.0), plan.coming) == (1, 0)


def test_a_route_without_lines_to_hand_out_gets_no_slot() -> None:
    """It may never have had any; or its workers have the rest, or have fetched it."""
    plan = SlotPlan(4, START_S, ("eu",))
    for workers in (0, 1):
        plan.hear(routed((9, 9), (workers, workers), (0, 0), all_out="eu"), 0.0)
        assert plan.missing(0.0) == 0
    plan.hear(routed((9, 9), (0, 1), (0, 0)), 1.0)
    assert plan.missing(1.0) == 4, "its worker died, and its lines wait again"


def test_routes_of_one_queue_share_its_slots() -> None:
    plan = SlotPlan(4, START_S, ("eu", "us"))
    plan.hear(routed((9, 9), (1, 1), (1, 1), all_out="eu"), 0.0)
    assert plan.missing(0.0) == 3
    plan.hear(routed((9, 9), (1, 1), (1, 1), all_out="eu us"), 1.0)
    assert plan.missing(1.0) == 0


def test_a_route_s_workers_get_time_to_join_a_new_ventilator() -> None:
    plan = SlotPlan(4, START_S, ("eu",))
    plan.hear(routed((0, 0), (4, 4), (0, 0)), 0.0)
    plan.hear(routed((0, 0), (0, 0), (0, 0), ventilator=2), 10.0)
    assert plan.missing(10.0) == 0
    plan.hear(routed((0, 0), (4, 4), (0, 0), ventilator=2), 16.0)
    assert plan.missing(16.0) == 0


def test_slots_that_begin_together_do_not_end_together() -> None:
    lives = [life_s(600.0, number) for number in range(1, 101)]
    assert all(450 <= each <= 600 for each in lives)
    assert len({round(each / 10) for each in lives}) > 12
