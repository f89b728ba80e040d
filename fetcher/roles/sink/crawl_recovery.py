"""Builds the log of a crawl from its files, when a sink starts."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from fetcher.errors import ConflictError
from fetcher.frontier.rules import CrawlRules
from fetcher.optional import missing_library
from fetcher.store.output_dir import Store

if TYPE_CHECKING:
    from fetcher.commit.growth import Growth  # loads numpy, which lists do not need

log = logging.getLogger(__name__)

_WORTH_TELLING_S: Final = 1.0


def require_libraries() -> None:
    """Raises ConflictError if a library that a crawl needs is not installed."""
    try:
        from fetcher import lean_numpy  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConflictError(
            str(missing_library("numpy", needed_by="the sink of a crawl"))
        ) from error


def growth_of(rules: CrawlRules, store: Store) -> Growth:
    """The log as it is committed. Raises ConflictError, DamageError."""
    require_libraries()
    from fetcher.commit.growth import Growth  # noqa: PLC0415
    from fetcher.commit.levels import LevelGrowth  # noqa: PLC0415
    from fetcher.frontier.admission import Frontier  # noqa: PLC0415

    files, record = store.crawl, store.crawl_record
    assert files is not None
    began = time.monotonic()
    frontier = Frontier(rules, record.key_seed)
    frontier.expect(record.lines)
    for block, seeds in files.key_records():
        frontier.recover(block, seeds)
    if frontier.needs_seeds:
        frontier.recover_seeds(files.seed_urls())
    took_s = time.monotonic() - began
    if took_s > _WORTH_TELLING_S:
        log.info("read the keys of %d lines of the log in %.1f s", record.lines, took_s)
    made = LevelGrowth if rules.order == "levels" else Growth
    return made(rules, frontier, record, files)
