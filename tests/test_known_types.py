"""Types that several threads use for the first time at once: else msgspec ends the process."""

from __future__ import annotations

import subprocess
import sys

# Each thread reads settings, which is the first use of their type, and has its turn very often.
_PROGRAM = """
import sys
import threading

from fetcher.settings import load

sys.setswitchinterval(1e-6)
barrier = threading.Barrier(6)
found = []

def read():
    barrier.wait()
    given = {"polite.enabled": ("false", "test"), "worker.pool_size": ("7", "test")}
    found.append(load.load(None, {}, given).settings.worker.pool_size)

threads = [threading.Thread(target=read) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found)
"""


def test_several_threads_may_read_settings_first() -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], check=False, capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.split() == b"[7, 7, 7, 7, 7, 7]".split()
