"""Quick settings, URLs and the living roles, for tests of programs that use fetcher.api."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil

from support import jobs

# Settings of a job with one worker; and of one whose fetches take as long as their URLs say.
ONE: dict[str, object] = {"worker.processes": 1, "job.batch_size": 20}
SLOW: dict[str, object] = {**ONE, "worker.transport": jobs.SLOW, "worker.pool_size": 16}


def urls(count: int, ms: int = 5) -> Iterator[str]:
    """URLs for SLOW; the fetch of each takes `ms` milliseconds."""
    return (f"http://test.invalid/{n}?ms={ms}" for n in range(1, count + 1))


def roles() -> list[psutil.Process]:
    """Living processes of this one that are roles of a job, but not those that fork roles."""
    return [child for child in psutil.Process().children(recursive=True) if _is_role(child)]


def _is_role(child: psutil.Process) -> bool:
    words = child.cmdline()
    forks_roles = "support.forked_main" in words and child.ppid() == os.getpid()
    return not forks_roles and any(word.startswith("fetcher.roles.") for word in words)
