"""`python -m support.fetching_main`: patches, then fetches with the real fetch core.

Reads a JSON object from standard input, {"settings": {section: {…}}, "waves": [[line, …], …],
"pool": N, "files": limit or null, "method": of the URLs of the last wave, "capture": bool, "row_s":
seconds, "crawls": "", "yes" or "robots"}; a line is a URL, or an object as in JSON Lines; a wave
begins when the last one has ended. Writes a row a line in the order of their ends, then one line
with its own memory and time, and with "capture" what was sent, by URL.
"""

from gevent import monkey

monkey.patch_all()

import itertools
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import gevent
import gevent.pool
import msgspec

from fetcher.fetch.body.capture import Keep
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.interface import Crawling
from fetcher.input import json_lines
from fetcher.model import Task
from fetcher.roles import lifetime
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings


def main() -> None:
    """See the module docstring."""
    lifetime.imported()
    order = json.load(sys.stdin)
    fetcher = CurlFetcher(msgspec.convert(order["settings"], Settings), "test")
    fetcher.keep = Keep.WIRE if order["capture"] else Keep.NOTHING
    if order["crawls"]:
        fetcher.crawling = Crawling(_is_same_page, obeys_robots=order["crawls"] == "robots")
    sent: dict[str, list[str]] = {}
    pool = gevent.pool.Pool(order["pool"])
    if order["files"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (order["files"], order["files"]))
    base_bytes = _memory("VmRSS")
    began = time.monotonic()

    def one(number: int, line: str | dict[str, Any], method: str) -> None:
        if isinstance(line, str):
            task = Task(number, line, method=method)
        else:
            task = json_lines.task_of(number, json.dumps(line))
        fetch = fetcher.begin(task)
        while fetch.result is None:
            gevent.sleep(fetch.wait_s)
            fetch.step()
        sys.stdout.buffer.write(jsonl.encode(fetch.result))
        sent[task.url] = [each.request.decode() for each in fetch.captures]
        gevent.sleep(order["row_s"])
        fetch.release()

    number = itertools.count(1)
    for wave in order["waves"]:
        for line in wave:
            method = order["method"] if wave is order["waves"][-1] else "GET"
            pool.spawn(one, next(number), line, method)
        pool.join()
    took_s = time.monotonic() - began
    facts = {
        "base_bytes": base_bytes,
        "peak_bytes": _memory("VmHWM"),
        "took_s": took_s,
        "sent": sent,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def _is_same_page(one: str, other: str) -> bool:
    return one.partition("#")[0] == other.partition("#")[0]


def _memory(field: str) -> int:
    # Not ru_maxrss, which a child inherits from its parent.
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
