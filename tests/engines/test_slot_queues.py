"""Which slots a job needs in which queues."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.engines.slot_queues import SlotQueue, queues_of
from fetcher.errors import ConfigError
from fetcher.settings.schema import Settings

EU: dict[str, Any] = {"name": "eu"}
US: dict[str, Any] = {"name": "us"}


def settings(*routes: dict[str, Any], workers: int = 8, served: tuple[str, ...] = ()) -> Settings:
    given = {
        "engine": {"name": "celery", "queue": "fetcher"},
        "worker": {"processes": workers, "routes": served},
        "routes": routes,
    }
    return msgspec.convert(given, Settings)


def queues(*routes: dict[str, Any], **given: Any) -> tuple[SlotQueue, ...]:
    return queues_of(settings(*routes, **given), has_queues=True)


def test_a_job_without_routes_has_one_queue() -> None:
    assert queues() == (SlotQueue("fetcher", 8),)


def test_each_route_has_a_queue_of_its_own_with_as_many_workers() -> None:
    assert queues(EU, US) == (
        SlotQueue("fetcher", 8, ("default",)),
        SlotQueue("fetcher.eu", 8, ("eu",)),
        SlotQueue("fetcher.us", 8, ("us",)),
    )


def test_a_route_may_name_its_queue_and_how_many_workers_it_has() -> None:
    assert queues(EU | {"queue": "europe", "workers": 2}) == (
        SlotQueue("fetcher", 8, ("default",)),
        SlotQueue("europe", 2, ("eu",)),
    )


def test_routes_of_one_queue_share_its_slots_of_which_there_are_enough_for_each() -> None:
    east, west = EU | {"queue": "q", "workers": 2}, US | {"queue": "q", "workers": 3}
    assert queues(east, west)[1:] == (SlotQueue("q", 3, ("eu", "us")),)
    assert queues(EU | {"queue": "fetcher", "workers": 2}) == (
        SlotQueue("fetcher", 8, ("default", "eu")),
    )


def test_routes_that_the_job_is_not_to_serve_have_no_slots() -> None:
    assert queues(EU, US, served=("us",)) == (SlotQueue("fetcher.us", 8, ("us",)),)
    with pytest.raises(ConfigError, match=r"worker.routes = asia: the job has no such route"):
        queues(EU, served=("asia",))


def test_slots_of_an_engine_without_queues_serve_all_routes() -> None:
    found = queues_of(settings(EU, US), has_queues=False)
    assert found == (SlotQueue("fetcher", 8),)


@pytest.mark.parametrize("given", [{"queue": "europe"}, {"workers": 2}])
def test_an_engine_without_queues_refuses_what_it_could_not_do(given: dict[str, Any]) -> None:
    key = next(iter(given))
    with pytest.raises(ConfigError, match=rf"\[\[routes\]\] eu: {key}: --engine celery has no"):
        queues_of(settings(US, EU | given), has_queues=False)


def test_the_number_of_workers_must_be_known_for_each_queue() -> None:
    with pytest.raises(ConfigError, match="--engine celery: say with --workers how many"):
        queues(EU | {"workers": 2}, workers=0)
    assert queues(EU | {"workers": 2}, workers=0, served=("eu",))
