"""Says why a job has no worker, from what its engine knows of its slots. Pure.

Slots that wait need a place in the engine, slots that have ended need another configuration, and
only slots that run may lack a way to this host.
"""

from __future__ import annotations

from collections.abc import Sequence

from fetcher.engines.interface import Engine, SlotCount
from fetcher.humanize import counted


def text(
    engine: Engine, count: SlotCount | None, queues: Sequence[str], reach: str, complaint: str
) -> str:
    """Return the message for a job that no worker has joined in time.

    `count`: None: the engine cannot tell. `queues`: those with slots. `reach`: where workers
    connect to, in words. `complaint`: the last error, if there was one.
    """
    settings = engine.settings.engine
    head = f"no worker has connected within {settings.connect_s:g} s (engine.connect_s)"
    last = f"; the last error: {complaint}" if complaint else ""
    at = f" in the queue {', '.join(queues)}" if engine.has_queues and queues else ""
    if count is None:
        return f"{head}: {_no_way(settings.name, reach)}{last}"
    if count.running:
        slots = counted(count.running, "slot")
        return f"{head} from {slots} of {settings.name}: {_no_way(settings.name, reach)}{last}"
    if count.waiting:
        slots = counted(count.waiting, "slot")
        return f"{head}, with {slots} waiting{at} for a place: {engine.advice(queues)}{last}"
    why = last or f"; the log of {settings.name} says why"
    return f"{head}, and all slots of {settings.name}{at} have ended{why}"


def _no_way(name: str, reach: str) -> str:
    return (
        f"workers must reach {reach}: open these ports for them, or set engine.bind and "
        f"engine.advertise to an address that they reach; the log of {name} says how slots ended"
    )
