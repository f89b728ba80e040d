"""`python -m support.fetching_main`: patches, then fetches with the real fetch core.

Reads a JSON object from standard input, {"http": settings, "urls": [...], "pool": N}, and writes a
row a URL in the order of their ends, then one line with its own peak memory and time.
"""

from gevent import monkey

monkey.patch_all()

import json
import logging
import sys
import time
from pathlib import Path

import gevent.pool

from fetcher.config import Http
from fetcher.encode import jsonl
from fetcher.model import Task
from fetcher.net.requests_fetcher import RequestsFetcher


def main() -> None:
    """See the module's words."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    order = json.load(sys.stdin)
    fetcher = RequestsFetcher(Http(**order["http"]), order["pool"], "test")
    pool = gevent.pool.Pool(order["pool"])
    began = time.monotonic()

    def one(number: int, url: str) -> None:
        row = jsonl.encode(fetcher.fetch(Task(number, url)))
        sys.stdout.buffer.write(row)

    for number, url in enumerate(order["urls"], 1):
        pool.spawn(one, number, url)
    pool.join()
    took_s = time.monotonic() - began
    # Not ru_maxrss, which a child inherits from its parent.
    status = Path("/proc/self/status").read_text()
    peak_bytes = int(status.split("VmHWM:")[1].split()[0]) * 1024
    sys.stdout.write(json.dumps({"peak_bytes": peak_bytes, "took_s": took_s}) + "\n")


if __name__ == "__main__":
    main()
