"""The promise of a crawl over many simulated jobs, and the mistakes that must not pass.

The log is exactly what the committed rows have found, each URL once; each line has one row; the job
ends. `mutants` in support.sim.crawl_mutants lists the mistakes.
"""

from __future__ import annotations

import os

import pytest

from support.sim.crawl_mutants import CRAWL_MUTANTS
from support.sim.crawl_world import (
    BudgetedCrawl,
    CrawlWorld,
    DuplicatedCrawl,
    FaultlessCrawl,
    LevelCrawl,
)
from support.sim.worlds import run

SEEDS = 60
SLOW_SEEDS = int(os.environ.get("SIM_SEEDS", "5000"))
MUTANT_SEEDS = 400  # most mistakes show within 30
WORLDS = [CrawlWorld, BudgetedCrawl, LevelCrawl, DuplicatedCrawl]


def check(seeds: range, world: type[CrawlWorld], *, kill_workers: bool = True) -> None:
    for seed in seeds:
        violation = run(seed, world, kill_workers=kill_workers)
        again = f"support.sim.worlds.run({seed}, {world.__name__}, kill_workers={kill_workers})"
        assert violation is None, f"seed {seed}: {violation}; run it again: {again}"


@pytest.mark.parametrize("world", WORLDS)
def test_the_log_is_what_the_rows_have_found_and_each_line_has_one_row(
    world: type[CrawlWorld],
) -> None:
    check(range(SEEDS), world)


def test_where_nothing_fails_each_line_of_a_crawl_is_fetched_once() -> None:
    check(range(SEEDS), FaultlessCrawl, kill_workers=False)


def test_where_no_worker_dies_no_line_of_a_crawl_is_called_crashed() -> None:
    check(range(SEEDS), CrawlWorld, kill_workers=False)


@pytest.mark.parametrize("name", CRAWL_MUTANTS)
def test_the_simulator_catches_the_mistake_in_a_crawl(name: str) -> None:
    world, kill_workers = CRAWL_MUTANTS[name]
    seeds = range(MUTANT_SEEDS)
    seed = next((seed for seed in seeds if run(seed, world, kill_workers=kill_workers)), None)
    assert seed is not None, f"{name}: passed {MUTANT_SEEDS} seeds"


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_thousands_of_crawls(world: type[CrawlWorld]) -> None:
    check(range(SEEDS, SEEDS + SLOW_SEEDS), world)
