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
    entry_points: Any = metadata.entry_points  # it has overloads for older Pythons
    metadata.entry_points = entry_points().select
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = entry_points
