"""The numbers of a running job in one line, and the displays that need no terminal."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from fetcher.commit.rate import Rate
from fetcher.humanize import counted, number, phase, rate, time_left
from fetcher.protocol import messages
from fetcher.protocol.totals import most_frequent
from fetcher.telemetry import logs
from fetcher.watch import crawl_view
from fetcher.watch.job_view import JobView, from_state


def describe(job: JobView) -> str:
    """The numbers of the progress line."""
    return " · ".join(numbers(job))


def numbers(job: JobView) -> list[str]:
    """The numbers of the progress line, one by one."""
    if job.phase == "starting":
        return [phase(job.phase)]  # its ventilator does not know yet what is done
    about = "" if job.url_lines_exact else "~"
    lines = counted(job.rows, "line")
    if job.url_lines is not None:
        lines = f"{number(job.rows)}/{about}{counted(job.url_lines, 'line')}"
    parts = [
        lines if job.crawl is None or job.is_over else crawl_view.done(job.rows, job.crawl),
        f"{rate(job.rate_per_s or 0.0)}/s",
        f"{number(job.in_flight or 0)} in flight",
        outcomes(job.totals.outcomes),
    ]
    if job.phase != "running":
        parts.append(phase(job.phase))
    elif job.left_s is not None:
        parts.append(time_left(job.left_s, is_least=job.left_is_least))
    return [part for part in parts if part]


def fields(job: JobView) -> dict[str, Any]:
    """The same for programs: public keys of a line of the log."""
    return {
        "phase": job.phase,
        "rows": job.rows,
        "url_lines": job.url_lines,
        "url_lines_exact": job.url_lines_exact,
        "rate_per_s": round(job.rate_per_s or 0.0, 1),
        "left_s": None if job.left_s is None else round(job.left_s, 1),
        "left_is_least": job.left_is_least,
        "in_flight": job.in_flight,
        "workers": len(job.workers) + job.unlisted,
        "redelivered": job.redelivered,
        "copied": job.copied,
        "outcomes": job.totals.outcomes,
        **({} if job.crawl is None else {"crawl": msgspec.to_builtins(job.crawl)}),
    }


def outcomes(counts: dict[str, int]) -> str:
    """The three most frequent outcomes, and the others as one."""
    shown, rest = most_frequent(counts, 3)
    parts = [f"{name} {number(count)}" for name, count in shown.items()]
    return ", ".join(parts + ([f"others {number(rest)}"] if rest else []))


class Quiet:
    """Says only what went wrong."""

    def __init__(self) -> None:
        self.last: messages.State | None = None

    def update(self, state: messages.State) -> None:
        self.last = state

    def say(self, line: str) -> None:
        logs.say(line)

    def close(self) -> None:
        pass


class Greeting(Quiet):
    """Says one line when the job's first state comes."""

    def __init__(self, greeting: str) -> None:
        super().__init__()
        self._greeting = greeting

    def update(self, state: messages.State) -> None:
        super().update(state)
        if self._greeting:
            self.say(logs.own(self._greeting, "info"))
            self._greeting = ""


class PlainLines(Greeting):
    """Says a line every `interval_s`, for logs and pipes."""

    def __init__(self, interval_s: float, greeting: str = "") -> None:
        super().__init__(greeting)
        self._interval_s = interval_s
        self._rate = Rate()
        self._said_at = time.monotonic()

    def update(self, state: messages.State) -> None:
        super().update(state)
        now = time.monotonic()
        self._rate.hear(now, state)
        if now - self._said_at >= self._interval_s:
            self._said_at = now
            job = from_state(state, self._rate.per_s())
            self.say(logs.own(describe(job), "info", progress=fields(job)))
