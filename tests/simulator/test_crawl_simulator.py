"""The promise of a crawl over many simulated jobs, and the mistakes that must not pass.

The log is exactly what the committed rows have found, each URL once; each line has one row; the job
ends. Seeds until a mistake is caught (support.sim.crawl_mutants):

    index durable before the commit              6   a page of seeds taken twice          85
    a worker that suppresses what it only sent   6   seeds confirmed too early             1
    links in the next commit                     4   lines told before they are durable    2
    dedupe against the committed only           33   complete without all seeds            1
    an empty queue taken for the end             9   a level closed too early              2
                                                     lines of a level ready at once        2
    links dropped on a full disk                49   redirects judged with the links       2
    links of duplicate rows taken                4   a level judged again                  4
    budget counted before dedupe                14   the log read again after a resync     2
    seeds forgotten at a restart                 2   the rest of a page skipped            2
    log not truncated at recovery                1   rows of waiting lines not heard      11
    suspects forgotten                           2   a restarted sink not compared        13
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

SEEDS = 20
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
    world, kill_workers, first_seed = CRAWL_MUTANTS[name]
    seeds = range(first_seed, first_seed + MUTANT_SEEDS)
    seed = next((seed for seed in seeds if run(seed, world, kill_workers=kill_workers)), None)
    assert seed is not None, f"{name}: passed {MUTANT_SEEDS} seeds"


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_thousands_of_crawls(world: type[CrawlWorld]) -> None:
    check(range(SEEDS, SEEDS + SLOW_SEEDS), world)
