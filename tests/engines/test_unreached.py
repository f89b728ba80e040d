"""A user whose job no worker joins reads which of three things is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from fetcher.engines import unreached
from fetcher.engines.interface import Engine, SlotCount
from fetcher.settings.schema import Settings

_REACH = "10.0.0.1, ports 5700 to 5704"


class Counting(Engine):
    """It is only asked what to do about slots that wait."""

    def place(self, tickets: Sequence[Any], secrets: str) -> None: ...

    def count(self) -> None: ...

    def end(self) -> None: ...


def _text(count: SlotCount | None, complaint: str = "", *, has_queues: bool = True) -> str:
    settings = {"engine": {"name": "command", "connect_s": 100.0}}
    engine = Counting(msgspec.convert(settings, Settings))
    engine.has_queues = has_queues
    text = unreached.text(engine, count, ["fetcher", "eu"], _REACH, complaint)
    head = "no worker has connected within 100 s (engine.connect_s)"
    assert text.startswith(head)
    return text.removeprefix(head)


def test_slots_that_wait_need_a_place() -> None:
    said = ", with 2 slots waiting{} for a place: see whether command has room for them"
    assert _text(SlotCount(2, 0)) == said.format(" in the queue fetcher, eu")
    assert _text(SlotCount(2, 0), has_queues=False) == said.format("")


def test_slots_that_run_need_a_way_to_this_host() -> None:
    said = _text(SlotCount(1, 1))
    assert said.startswith(f" from 1 slot of command: workers must reach {_REACH}: open these")


def test_slots_that_have_ended_are_not_blamed_on_the_network() -> None:
    said = ", and all slots of command in the queue fetcher, eu have ended; "
    assert _text(SlotCount(0, 0), "no key") == f"{said}the last error: no key"
    assert _text(SlotCount(0, 0)) == f"{said}the log of command says why"


@pytest.mark.parametrize("complaint", ["", "no key"])
def test_an_engine_that_cannot_tell_leaves_all_possible(complaint: str) -> None:
    said = _text(None, complaint)
    assert f"workers must reach {_REACH}" in said
    assert said.endswith(f"; the last error: {complaint}") == bool(complaint)
