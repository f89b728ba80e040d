"""Quick settings, URLs and the living roles, for tests of programs that use fetcher.api."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from support import jobs

ONE: dict[str, object] = {"worker.processes": 1, "job.batch_size": 20}
SLOW: dict[str, object] = {**ONE, "worker.transport": jobs.SLOW, "worker.pool_size": 16}


def urls(count: int, ms: int = 5) -> Iterator[str]:
    """URLs for SLOW, each of which takes so long."""
    return (f"http://test.invalid/{n}?ms={ms}" for n in range(1, count + 1))


def roles() -> list[psutil.Process]:
    """Living children of this process that are roles of a job."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any(part.startswith("fetcher.roles.") for part in child.cmdline())
    ]
