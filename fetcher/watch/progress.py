"""The job while it runs: a live line on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from typing import Any

from fetcher.commit.rate import Rate
from fetcher.humanize import number, phase, rate, time_left
from fetcher.protocol import messages
from fetcher.protocol.totals import in_order, most_frequent
from fetcher.telemetry import logs
from fetcher.watch.job_view import left


def describe(state: messages.State, per_s: float) -> str:
    """The numbers of the progress line."""
    return " · ".join(numbers(state, per_s))


def numbers(state: messages.State, per_s: float) -> list[str]:
    """The numbers of the progress line, one by one."""
    total, exact = state.source.total()
    about = "" if exact else "~"
    of = "" if total is None else f"/{about}{number(total)}"
    parts = [
        f"{number(state.totals.rows)}{of} lines",
        f"{rate(per_s)}/s",
        f"{number(state.in_flight)} in flight",
        outcomes(state.totals.outcomes),
    ]
    estimate = left(state, per_s)
    if state.phase == "running" and estimate is not None:
        parts.append(time_left(estimate.seconds, is_least=estimate.is_least))
    elif state.phase != "running":
        parts.append(phase(state.phase))
    return [part for part in parts if part]


def fields(state: messages.State, per_s: float) -> dict[str, Any]:
    """The same for programs."""
    total, exact = state.source.total()
    estimate = left(state, per_s)
    return {
        "phase": state.phase,
        "rows": state.totals.rows,
        "url_lines": total,
        "url_lines_exact": exact,
        "rate_per_s": round(per_s, 1),
        "left_s": None if estimate is None else round(estimate.seconds, 1),
        "left_is_least": estimate is not None and estimate.is_least,
        "in_flight": state.in_flight,
        "workers": state.workers,
        "redelivered": state.redelivered,
        "copied": state.copied,
        "outcomes": in_order(state.totals.outcomes),
    }


def outcomes(counts: dict[str, int]) -> str:
    """The three most frequent outcomes, and the others as one."""
    shown, rest = most_frequent(counts, 3)
    said = [f"{name} {number(count)}" for name, count in shown.items()]
    return ", ".join(said + ([f"others {number(rest)}"] if rest else []))


class Quiet:
    """Only what went wrong."""

    def __init__(self) -> None:
        self.last: messages.State | None = None

    def update(self, state: messages.State) -> None:
        self.last = state

    def say(self, line: str) -> None:
        logs.say(line)

    def close(self) -> None:
        pass


class Greeting(Quiet):
    """Says something once the job is heard."""

    def __init__(self, greeting: str) -> None:
        super().__init__()
        self._greeting = greeting

    def update(self, state: messages.State) -> None:
        super().update(state)
        if self._greeting:
            self.say(logs.own(self._greeting, "info"))
            self._greeting = ""


class PlainLines(Greeting):
    """A line every so often, for logs and pipes."""

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
            per_s = self._rate.per_s()
            self.say(logs.own(describe(state, per_s), "info", progress=fields(state, per_s)))


def display(*, quiet: bool, interval_s: float, greeting: str = "") -> Quiet:
    """The display that fits stderr; the greeting is said once the job is heard."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty() and not logs.is_json():
        # rich takes longer to load than all else here.
        from fetcher.watch.terminal.live_line import LiveLine  # noqa: PLC0415

        return LiveLine(greeting)
    return PlainLines(interval_s, greeting)
