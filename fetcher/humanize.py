"""Formats numbers, sizes, times and text for people."""

from __future__ import annotations

import shlex
from typing import Final

NOT_MEASURED: Final = "\N{EN DASH}"


def number(value: int) -> str:
    """A number with separators: 12,345"""
    return f"{value:,}"


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 row, 2 rows, 12,345 rows"""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def rate(per_s: float) -> str:
    """A rate with three digits: 0.42, 7.1, 99.6, 1,234"""
    return number(round(per_s)) if per_s >= 99.95 else f"{per_s:.3g}"


def rates(now_per_s: float | None, average_per_s: float | None) -> list[str]:
    """The known rates: `140 lines/s now`, `125 lines/s on average`; see fetcher.commit.rate."""
    both = ((now_per_s, "now"), (average_per_s, "on average"))
    return [f"{rate(per_s)} lines/s {when}" for per_s, when in both if per_s is not None]


def activity(
    in_flight: int | None = None,
    parked: int | None = None,
    queued: int | None = None,
    leases: int | None = None,
    waiting: int | None = None,
) -> list[str]:
    """Phrases such as `13 being fetched`, `40 waiting for their host's turn`; None: not known.

    A 0 is left out, except for lines in flight and batches at workers.
    """
    batches = "batch" if leases == 1 else "batches"
    known = (
        (in_flight, "being fetched", True),
        (queued, "waiting for a free slot", False),
        (parked, "waiting for their host's turn", False),
        (leases, f"{batches} at workers", True),
        (waiting, "batches to be handed out", False),
    )
    return [f"{number(n)} {text}" for n, text, shows_0 in known if n or (shows_0 and n is not None)]


def rest(host: str, rest_s: float, why: str, waiting: int) -> str:
    """A host that is left alone: `h.test rests 28 s more after 503: 40 lines wait`."""
    lines = (
        f": {number(waiting)} {'line waits' if waiting == 1 else 'lines wait'}" if waiting else ""
    )
    return f"{host} rests {duration(rest_s)} more after {why}{lines}"


def escaped(text: str, kept: str = "") -> str:
    """The text with its unprintable characters as \\x1b or \\u202e, except those in `kept`."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode()
        for each in text
    )


def shell_word(text: str) -> str:
    """The text as one word for a shell, on one line: unprintable characters as $'\\x09'."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_shell_character, text))}'"


def _shell_character(each: str) -> str:
    if each.isprintable():
        return f"\\{each}" if each in "'\\" else each
    return "".join(f"\\x{byte:02x}" for byte in each.encode())


def shortened(text: str, most_chars: int) -> str:
    """The text, cut with an ellipsis at its end if it is too long."""
    return text if len(text) <= most_chars else f"{text[: most_chars - 1]}…"


def phase(name: str) -> str:
    """A phase of the protocol as people see it: `finish` is `finishing`."""
    return "finishing" if name == "finish" else name


def size(count: int) -> str:
    """A size in bytes, in the largest fitting unit: 1.5 MiB"""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if round(value, 1) < 1024 or unit == "TiB":
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    raise AssertionError


def duration(seconds: float) -> str:
    """A time in whole seconds: 5 s, 3 min 20 s, 2 h 05 min, 3 d 4 h"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def seconds(value: float) -> str:
    """A time with tenths of a second (8.0 s); from a minute on as `duration` shows it."""
    return f"{value:.1f} s" if value < 59.95 else duration(value)


def time_left(seconds: float, *, is_least: bool) -> str:
    """The time until the end: `3 min 20 s left` or `at least 3 min 20 s left`."""
    return f"{'at least ' if is_least else ''}{duration(seconds)} left"


def milliseconds(value: float) -> str:
    """A time with three digits: 0.02 ms, 4.1 ms, 812 ms, 3.42 s, 2 min 05 s"""
    if value >= 59_995:
        return duration(value / 1000)
    if value >= 999.5:
        return f"{value / 1000:.3g} s"
    return f"{value:.3g} ms" if value >= 0.01 or not value else "<0.01 ms"


def percent(share: float) -> str:
    """A share (0 to 1) as 91.5 %; only nothing is shown as 0, and only all as 100."""
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %"
