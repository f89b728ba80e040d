"""gevent's monkey patching, without looking all installed packages through again and again.

gevent asks before and after each module that it patches which packages have plug-ins for it, and
importlib.metadata reads every installed package's list for each answer: 25 times, more than half
of what patching took (gevent.events.notify_and_call_entry_points, gevent 26.9).
"""

from importlib import metadata
from typing import Any

from gevent import monkey


def patch_all() -> None:
    """As gevent.monkey.patch_all; plug-ins are still found and called."""
    known = metadata.EntryPoints(
        each for package in metadata.distributions() for each in package.entry_points
    )

    def select(**wanted: Any) -> metadata.EntryPoints:
        return known.select(**wanted)

    entry_points = metadata.entry_points
    metadata.entry_points = select  # type: ignore[assignment] # it has overloads for older Pythons
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = entry_points
