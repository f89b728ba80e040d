"""Crawls with a mistake; the simulator must catch every one."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from fetcher.leases.sink_session import SinkSession
from support.sim import crawl_mistakes as mistakes
from support.sim.crawl_world import (
    BudgetedCrawl,
    CrawlSink,
    CrawlVentilator,
    CrawlWorld,
    DuplicatedCrawl,
    LevelCrawl,
    LinklessCrawl,
)


class CrawlMutant(NamedTuple):
    """A crawl with a mistake, and whether its workers are killed."""

    world: type[CrawlWorld]
    kill_workers: bool = True
    first_seed: int = 0  # to try: the run of one that shows the mistake soon, if others are long


def _mutant(
    world: type[CrawlWorld] = CrawlWorld,
    *,
    ventilator: type[CrawlVentilator] = CrawlVentilator,
    feed: Any = None,
    session: type[SinkSession] | None = None,
    kill_workers: bool = True,
    first_seed: int = 0,
    **of_sink: Any,
) -> CrawlMutant:
    """Put the given classes into a world; `of_sink`: members of the sink."""
    of_ventilator: dict[str, Any] = {} if feed is None else {"feed_class": feed}
    if session is not None:
        of_ventilator["session_class"] = session
    members = {
        "sink_class": type("MutantSink", (CrawlSink,), of_sink),
        "ventilator_class": type("MutantVentilator", (ventilator,), of_ventilator),
    }
    return CrawlMutant(type("MutantWorld", (world,), members), kill_workers, first_seed)


CRAWL_MUTANTS: Final[dict[str, CrawlMutant]] = {
    # The five of the design.
    "index durable before the commit": _mutant(
        LinklessCrawl, growth_class=mistakes.IndexBeforeTheCommit, first_seed=40
    ),
    "a worker that suppresses what it only sent": _mutant(
        mistakes.SuppressesWhatItSent, first_seed=40
    ),
    "links in the next commit": _mutant(
        LinklessCrawl, growth_class=mistakes.LinksInTheNextCommit, first_seed=250
    ),
    "dedupe against the committed only": _mutant(
        LinklessCrawl, growth_class=mistakes.DedupeAgainstTheCommitted, first_seed=30
    ),
    "an empty queue taken for the end": _mutant(
        ventilator=mistakes.EndsWhenNothingWaits, first_seed=13
    ),
    # The sink.
    "links dropped on a full disk": _mutant(
        LinklessCrawl, growth_class=mistakes.ForgetsOnAFullDisk, first_seed=101
    ),
    "links of duplicate rows taken": _mutant(
        DuplicatedCrawl, committer_class=mistakes.DuplicatesBringLinks, first_seed=28
    ),
    "budget counted before dedupe": _mutant(
        BudgetedCrawl, frontier_class=mistakes.CountsBeforeDedupe, first_seed=231
    ),
    "seeds forgotten at a restart": _mutant(frontier_class=mistakes.ForgetsTheSeeds),
    "log not truncated at recovery": _mutant(files_class=mistakes.LogNotTruncated),
    "a page of seeds taken twice": _mutant(
        DuplicatedCrawl, growth_class=mistakes.SeedsTwice, first_seed=209
    ),
    "seeds confirmed before they are durable": _mutant(
        session_class=mistakes.SeedsBeforeTheyAreDurable
    ),
    "lines told before they are durable": _mutant(job_class=mistakes.TellsWhatIsPending),
    "complete without all seeds": _mutant(growth_class=mistakes.EndsWithoutAllSeeds),
    # Levels.
    "a level closed too early": _mutant(LevelCrawl, job_class=mistakes.ClosesTheLevelEarly),
    "lines of a level ready at once": _mutant(LevelCrawl, level_growth_class=mistakes.ReadyAtOnce),
    "redirects judged with the links": _mutant(
        LevelCrawl, level_growth_class=mistakes.RedirectsWithTheLinks
    ),
    "a level judged again from its beginning": _mutant(
        LevelCrawl, level_growth_class=mistakes.ForgetsWhereItWas, first_seed=56
    ),
    # The ventilator.
    "the log read again after a resync": _mutant(feed=mistakes.ReadsTheLogAgain),
    "the rest of a page skipped": _mutant(feed=mistakes.SkipsWhatDidNotFit),
    "rows of waiting lines not heard": _mutant(
        feed=mistakes.ForgetsRowsWhileLinesWait, first_seed=10
    ),
    "a restarted sink not compared": _mutant(feed=mistakes.KeepsWhatWasOpen, first_seed=17),
    "suspects forgotten by the next ventilator": _mutant(session=mistakes.TakesNoSuspects),
}
