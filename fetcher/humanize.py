"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

NOT_MEASURED: Final = "\N{EN DASH}"


def number(value: int) -> str:
    """12,345"""
    return f"{value:,}"


def rate(per_s: float) -> str:
    """0.42, 7.1, 99.6, 1,234"""
    return number(round(per_s)) if per_s >= 99.95 else f"{per_s:.3g}"


def rates(now_per_s: float | None, average_per_s: float | None) -> list[str]:
    """140 lines/s now; 125 lines/s on average (what each means: fetcher.commit.rate)"""
    both = ((now_per_s, "now"), (average_per_s, "on average"))
    return [f"{rate(per_s)} lines/s {when}" for per_s, when in both if per_s is not None]


def activity(
    in_flight: int | None = None,
    parked: int | None = None,
    queued: int | None = None,
    leases: int | None = None,
    waiting: int | None = None,
) -> list[str]:
    """13 being fetched, 40 waiting for their host's turn, …: what is known (None: is not), in words

    Numbers other than of lines and batches in hand are left out where they are 0.
    """
    batches = "batch" if leases == 1 else "batches"
    known = (
        (in_flight, "being fetched", True),
        (queued, "waiting for a free slot", False),
        (parked, "waiting for their host's turn", False),
        (leases, f"{batches} at workers", True),
        (waiting, "batches to be handed out", False),
    )
    return [f"{number(n)} {what}" for n, what, is_told in known if n or (is_told and n is not None)]


def rest(host: str, rest_s: float, why: str, waiting: int) -> str:
    """h.test rests 28 s more after 503: 40 lines wait"""
    lines = (
        f": {number(waiting)} {'line waits' if waiting == 1 else 'lines wait'}" if waiting else ""
    )
    return f"{host} rests {duration(rest_s)} more after {why}{lines}"


def escaped(text: str, kept: str = "") -> str:
    """Text that may steer a terminal: what is not printable, nor `kept`, as \\x1b or \\u202e."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode()
        for each in text
    )


def shortened(text: str, most_chars: int) -> str:
    """The text, cut with an ellipsis at its end if it is too long."""
    return text if len(text) <= most_chars else f"{text[: most_chars - 1]}…"


def phase(name: str) -> str:
    """A job's phase: starting, running, paused, frozen, stopping, finishing"""
    return "finishing" if name == "finish" else name


def size(count: int) -> str:
    """1.5 MiB"""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    raise AssertionError


def duration(seconds: float) -> str:
    """5 s, 3 min 20 s, 2 h 05 min, 3 d 4 h"""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def seconds(value: float) -> str:
    """8.0 s, and from a minute on as `duration`"""
    return f"{value:.1f} s" if value < 59.95 else duration(value)


def time_left(seconds: float, *, is_least: bool) -> str:
    """3 min 20 s left; at least 3 min 20 s left"""
    return f"{'at least ' if is_least else ''}{duration(seconds)} left"


def milliseconds(value: float) -> str:
    """0.02 ms, 4.1 ms, 812 ms, 3.42 s, 2 min 05 s"""
    if value >= 59_995:
        return duration(value / 1000)
    if value >= 999.5:
        return f"{value / 1000:.3g} s"
    return f"{value:.3g} ms" if value >= 0.01 or not value else "<0.01 ms"


def percent(share: float) -> str:
    """91.5 %; nothing that is there becomes 0, and nothing that lacks some becomes 100"""
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %"
