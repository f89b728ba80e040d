"""The queues of routes, for engines that place slots by queues."""

from __future__ import annotations

from collections.abc import Iterable

from fetcher.settings.schema import Settings
from fetcher.settings.sections_routes import DEFAULT


def queue_of(settings: Settings, route: str) -> str:
    """Return the queue of a route's slots."""
    common = settings.engine.queue
    if route == DEFAULT:
        return common
    given = next(each.queue for each in settings.routes if each.name == route)
    return given or f"{common}.{route}"


def start_celery(queues: Iterable[str]) -> str:
    """Return what to do about queues that no worker of Celery serves, for messages."""
    return (
        f"start `celery -A fetcher.engines.celery worker -Q {','.join(queues)}` where their lines "
        "are to be fetched"
    )
