"""A minimal reproduction of the mistake that this design avoids; our workers do not make it.

Greenlets that are spawned before a fork are queued on the parent's hub; each forked child inherits
all of them, and its `joinall` runs every one. So batch n runs the URLs of n batches.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from support import jobs
from tools.site.running import RunningSite

# As many articles have it: spawn a batch's greenlets, then fork a process that joins them.
_MISTAKE = """
import os, sys
from gevent import monkey; monkey.patch_all()
import gevent

def fetch(url):
    os.write(1, f"{os.getpid()} {url}\\n".encode())

batches = [[f"url-{b}-{k}" for k in range(3)] for b in range(4)]
spawned, children = [], []
for batch in batches:
    spawned += [gevent.spawn(fetch, url) for url in batch]
    pid = os.fork()
    if pid == 0:
        gevent.joinall(spawned)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
os._exit(0)
"""


def test_greenlets_spawned_before_a_fork_pile_up_in_every_child() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MISTAKE],
        capture_output=True,
        check=True,
        timeout=60,
    )
    fetched = [line.split()[1] for line in done.stdout.decode().splitlines()]
    assert len(set(fetched)) == 12
    assert len(fetched) >= 3 + 6 + 9 + 12, "the mistake no longer shows: is the reproduction dead?"


def test_our_workers_fetch_each_url_in_exactly_one_process_once(
    site: RunningSite, tmp_path: Path
) -> None:
    count = 600
    lines = [site.url(f"/latency/{60 + n % 30}?n={n}") for n in range(count)]
    urls = jobs.write_urls(tmp_path / "urls.txt", lines)
    site.reset()
    done = jobs.call(
        "run", urls, "-o", tmp_path / "out", "--workers=3", "--pool-size=8", "--batch-size=15"
    )
    assert done.returncode == 0, done.stderr
    hits = Counter(site.hits())
    assert len(hits) == count
    assert set(hits.values()) == {1}
    rows = jobs.prove(tmp_path / "out", urls)
    workers = {row.worker for row in rows}
    assert 2 <= len(workers) <= 3, "one of them may have been late on a busy machine"
