"""What `fetcher top` shows at one moment: plain data, whose texts are not escaped."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from fetcher.watch.job_view import JobView


class View(msgspec.Struct, frozen=True):
    """A job, and what only `top` shows of it."""

    title: str
    job: JobView
    average_per_s: float | None = None  # see commit.rate
    committed_s_ago: float | None = None
    rates: tuple[float, ...] = ()  # lines per second, of the time before the first look


Look = Callable[[], View]
