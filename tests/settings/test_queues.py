"""Which queue the slots of a route have."""

from __future__ import annotations

from fetcher.settings.queues import queue_of
from fetcher.settings.schema import Engine, Route, Settings


def test_a_route_has_its_own_queue_or_one_whose_name_is_made_of_the_common_one() -> None:
    settings = Settings(
        engine=Engine(queue="crawls"), routes=(Route(name="eu"), Route(name="us", queue="america"))
    )
    assert queue_of(settings, "default") == "crawls"
    assert queue_of(settings, "eu") == "crawls.eu"
    assert queue_of(settings, "us") == "america"
