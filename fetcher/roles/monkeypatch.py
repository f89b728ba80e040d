"""gevent's monkey patching, with a single search for its plug-ins.

Before and after each module that it patches, gevent searches all installed packages for plug-ins.
These 25 searches took more than half of the time of patching
(gevent.events.notify_and_call_entry_points, gevent 26.9).
"""

from importlib import metadata
from typing import Any

from gevent import monkey


def patch_all() -> None:
    """Patch as gevent.monkey.patch_all does; plug-ins are still found and called."""
    entry_points: Any = metadata.entry_points  # it has overloads for older Pythons
    metadata.entry_points = entry_points().select
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = entry_points
