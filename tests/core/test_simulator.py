"""The promise over thousands of simulated jobs, and the mistakes that must not pass."""

from __future__ import annotations

import os

import pytest

from support.sim.mutants import MUTANTS
from support.sim.world import Deadly, Faultless, Lying, Refusing, World, run

SEEDS = 1800
SLOW_SEEDS = int(os.environ.get("SIM_SEEDS", "50000"))
# The rarest mistake shows in about one seed of 140.
MUTANT_SEEDS = 2000
AGAIN = "run it again: support.sim.world.run({seed}, {world}, kill_workers={kill})"


def check(seeds: range, world: type[World] = World, *, kill_workers: bool) -> None:
    for seed in seeds:
        violation = run(seed, world, kill_workers=kill_workers)
        again = AGAIN.format(seed=seed, world=world.__name__, kill=kill_workers)
        assert violation is None, f"seed {seed}: {violation}; {again}"


def test_every_line_has_exactly_one_durable_row_whatever_dies() -> None:
    check(range(SEEDS), kill_workers=True)


def test_only_lines_that_kill_their_workers_are_called_crashed() -> None:
    check(range(SEEDS // 3), kill_workers=False)


def test_where_nothing_fails_each_line_is_fetched_once() -> None:
    check(range(SEEDS // 6), Faultless, kill_workers=False)


@pytest.mark.parametrize("world", [Deadly, Lying])
def test_of_many_lines_that_kill_or_many_rows_that_lie_no_other_line_is_called_crashed(
    world: type[World],
) -> None:
    check(range(SEEDS // 36), world, kill_workers=False)


def test_what_was_left_alone_of_a_piece_is_not_condemned_with_its_company() -> None:
    check(range(202, 203), Deadly, kill_workers=False)


@pytest.mark.parametrize("kill_workers", [False, True])
def test_a_line_whose_row_is_refused_each_time_ends(kill_workers: bool) -> None:
    check(range(SEEDS // 36), Refusing, kill_workers=kill_workers)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulator_catches_the_mistake(name: str) -> None:
    world, kill_workers = MUTANTS[name]
    seeds = range(MUTANT_SEEDS)
    seed = next((seed for seed in seeds if run(seed, world, kill_workers=kill_workers)), None)
    assert seed is not None, f"{name}: passed {MUTANT_SEEDS} seeds"


def test_the_same_seed_gives_the_same_run() -> None:
    def trace(seed: int) -> tuple[float, list[set[int]], list[bytes]]:
        world = World(seed)
        world.run()
        return world.now, world.checks.acked, [bytes(disk.segment) for disk in world.disks]

    assert trace(5) == trace(5)


@pytest.mark.slow
def test_tens_of_thousands_of_jobs() -> None:
    check(range(SEEDS, SEEDS + SLOW_SEEDS), kill_workers=True)
    check(range(SEEDS, SEEDS + SLOW_SEEDS // 3), kill_workers=False)
    for world in (Deadly, Refusing, Lying):
        check(range(SEEDS, SEEDS + SLOW_SEEDS // 20), world, kill_workers=False)
    check(range(SEEDS, SEEDS + SLOW_SEEDS // 20), Refusing, kill_workers=True)
