"""Groups a job's routes by engine queue, and says how many slots each queue gets. Pure.

A slot serves the routes of its queue, and each route has one queue. So who takes slots from a queue
decides where its routes are fetched. An engine without queues has one kind of slots, which serve
all routes.
"""

from __future__ import annotations

from typing import NamedTuple

from fetcher.errors import ConfigError
from fetcher.settings.queues import queue_of
from fetcher.settings.schema import Settings
from fetcher.settings.sections_routes import DEFAULT


class SlotQueue(NamedTuple):
    """The slots of one queue."""

    name: str
    workers: int  # how many slots there are to be
    # Names of those that they serve; empty: a slot's settings decide (worker.routes, else all).
    routes: tuple[str, ...] = ()


def queues_of(settings: Settings, *, has_queues: bool) -> tuple[SlotQueue, ...]:
    """Return the queues of a job; `has_queues`: see Engine. Raises ConfigError."""
    if not has_queues:
        _require_no_queues(settings)
    if has_queues and settings.routes:
        found = _queues_of_routes(settings)
    else:
        found = (SlotQueue(settings.engine.queue, settings.worker.processes),)
    if not all(queue.workers for queue in found):
        raise ConfigError(
            f"--engine {settings.engine.name}: say with --workers how many workers it has to run"
        )
    return found


def _queues_of_routes(settings: Settings) -> tuple[SlotQueue, ...]:
    workers = {DEFAULT: 0, **{route.name: route.workers for route in settings.routes}}
    served = settings.worker.routes or tuple(workers)
    routes: dict[str, list[str]] = {}  # by queue
    for name in workers:
        if name in served:
            routes.setdefault(queue_of(settings, name), []).append(name)
    if not routes:
        raise ConfigError(
            f"worker.routes = {', '.join(served)}: the job has no such route (it has "
            f"{', '.join(workers)}), so no worker would have a line"
        )
    return tuple(
        SlotQueue(
            queue, max(workers[name] or settings.worker.processes for name in names), tuple(names)
        )
        for queue, names in routes.items()
    )


def _require_no_queues(settings: Settings) -> None:
    name = settings.engine.name
    other = "put {queue} into engine.command" if name == "command" else "use --engine celery"
    for route in settings.routes:
        given = "queue" if route.queue else "workers" if route.workers else ""
        if given:
            raise ConfigError(
                f"[[routes]] {route.name}: {given}: --engine {name} has no queues, and each of its "
                f"workers serves all routes; leave {given} out, or {other}"
            )
