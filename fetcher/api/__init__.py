"""fetcher from Python: `for row in fetch(urls)`, `crawl(seeds)`, `retry(out)`, … or a `Job`.

The calling process is not changed: no signal handler, no patching, no greenlet, no file descriptor
left open. All fetching is done by child processes, as `fetcher run` starts them.

    from fetcher.api import fetch

    for row in fetch(["https://example.com/", "https://example.org/"]):
        print(row.url, row.status if row.ok else row.error)

A failure of the whole job is raised as an error of fetcher.errors; a failure of one URL is its row.
"""

from fetcher.api.crawl import Crawl, crawl
from fetcher.api.items import Urls
from fetcher.api.job import Job, fetch
from fetcher.api.progress import Progress
from fetcher.api.refresh import refresh
from fetcher.api.retry import retry
from fetcher.api.row import Row
from fetcher.model import Outcome, Timings

__all__ = [
    "Crawl",
    "Job",
    "Outcome",
    "Progress",
    "Row",
    "Timings",
    "Urls",
    "crawl",
    "fetch",
    "refresh",
    "retry",
]
