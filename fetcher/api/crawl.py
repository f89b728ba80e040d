"""`crawl` and `Crawl`: fetch pages and follow their links, as `fetcher crawl` does."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Final

from fetcher.api.background import JobInput
from fetcher.api.items import Urls
from fetcher.api.job import Job, rows_of
from fetcher.api.row import Row
from fetcher.frontier.rules_of_settings import rules_of
from fetcher.optional import require_crawl_libraries
from fetcher.settings.crawl_defaults import of_crawl
from fetcher.store.begun import rules_as_begun

_Out = str | os.PathLike[str] | None
_URL: Final = re.compile(r"(?i)\s*https?:")


class Crawl(Job):
    """A job whose lines are the seeds and the pages that they lead to. See `Job` and `crawl`."""

    def __init__(self, seeds: Urls, **arguments: Any) -> None:
        """`arguments`: as of `crawl`. Raises UsageError if a library is missing; see `Job`."""
        require_crawl_libraries()
        is_url = isinstance(seeds, str) and _URL.match(seeds)
        super().__init__([str(seeds)] if is_url else seeds, **arguments)
        self._given = of_crawl(self._given)
        self._settings = self._given.settings

    def _input(self, out: Path) -> JobInput | None:
        given = super()._input(out)
        if given is None:
            return None
        return given._replace(crawl=rules_as_begun(out, rules_of(given.settings)))


def crawl(
    seeds: Urls,
    *,
    out: _Out = None,
    conf: _Out = None,
    settings: Mapping[str, object] | None = None,
    workers: int | None = None,
    pool_size: int | None = None,
    batch_size: int | None = None,
    **sections: Mapping[str, object],
) -> Generator[Row, None, None]:
    """Fetch the seeds, the pages that they link to, and so on; yields one row for each page.

    `seeds`: a URL, or what `fetch` takes. `row.line` is the number of the page, `row.depth` its
    distance from a seed, `row.found_on` the line of the page that links to it.
    Settings as for `fetch`; which links are followed is in `crawl={"scope": "host", "depth": 3}`.
    robots.txt is obeyed unless `polite={"robots": False}`. `out`: as for `fetch`.

    Raises ConfigError, InputError and UsageError at once; when it is iterated, what `Job.start` and
    `Job.rows` raise.
    """
    job = Crawl(
        seeds,
        out=out,
        conf=conf,
        settings=settings,
        workers=workers,
        pool_size=pool_size,
        batch_size=batch_size,
        **sections,
    )
    return rows_of(job)
