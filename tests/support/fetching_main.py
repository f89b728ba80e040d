"""`python -m support.fetching_main`: patches, then fetches with the real fetch core.

Reads a JSON object from standard input, {"settings": {section: {…}}, "urls": [...], "pool": N}, and
writes a row a URL in the order of their ends, then one line with its own peak memory and time.
"""

from gevent import monkey

monkey.patch_all()

import json
import sys
import time
from pathlib import Path

import gevent
import gevent.pool

from fetcher.encode import jsonl
from fetcher.model import Task
from fetcher.net.curl_fetcher import CurlFetcher
from fetcher.settings import Settings


def main() -> None:
    """See the module's words."""
    order = json.load(sys.stdin)
    fetcher = CurlFetcher(Settings.model_validate(order["settings"]), "test")
    pool = gevent.pool.Pool(order["pool"])
    began = time.monotonic()

    def one(number: int, url: str) -> None:
        fetch = fetcher.begin(Task(number, url))
        while fetch.result is None:
            gevent.sleep(fetch.wait_s)
            fetch.step()
        sys.stdout.buffer.write(jsonl.encode(fetch.result))

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
