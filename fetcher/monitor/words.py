"""Numbers as people read them."""

from __future__ import annotations


def number(value: int) -> str:
    """12,345"""
    return f"{value:,}"


def plain(text: str) -> str:
    """A peer's text on a terminal: what is not printable becomes a question mark."""
    return "".join(each if each.isprintable() else "?" for each in text)


def size(count: int) -> str:
    """1.5 MiB"""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
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
