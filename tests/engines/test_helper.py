"""An engine in a helper answers like one in this process, and its process can die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from fetcher.engines.helper import HelperEngine
from fetcher.engines.helper_messages import Request
from fetcher.engines.interface import EngineError
from fetcher.errors import UsageError
from fetcher.settings.schema import Settings
from support import jobs
from support.helped import Number
from support.waiting import wait_until


class Helped(HelperEngine):
    engine = "support.helped:Obedient"
    library = "json"


def ticket(number: int) -> dict[str, int]:
    return {"number": number}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helped]:
    monkeypatch.setenv("PYTHONPATH", jobs.ENV["PYTHONPATH"])
    made = Helped(Settings())
    yield made
    made.end()


def test_calls_are_answered_whatever_the_library_prints(engine: Helped) -> None:
    engine.place([ticket(Number.PRINT), ticket(0)], "")
    assert engine.count() == 2


def test_its_errors_come_with_their_meaning(engine: Helped) -> None:
    with pytest.raises(EngineError, match=r"^not now$"):
        engine.place([ticket(Number.REFUSE)], "")
    with pytest.raises(EngineError, match=r"^ZeroDivisionError: unexpected$"):
        engine.place([ticket(Number.BREAK)], "")
    with pytest.raises(UsageError, match=r"^never$"):
        engine.place([ticket(Number.MISUSE)], "")
    assert engine.count() == 0


def test_one_that_dies_is_replaced_and_its_last_words_are_known(engine: Helped) -> None:
    engine.place([ticket(0)], "")
    with pytest.raises(EngineError, match="its process has ended: its last words"):
        engine.place([ticket(Number.DIE)], "")
    assert engine.count() == 0


def test_one_that_hangs_is_ended(engine: Helped) -> None:
    engine.place([], "")
    with pytest.raises(EngineError, match=r"no answer within 0\.2 s"):
        engine._ask(Request(call="place", tickets=(ticket(Number.HANG),)), 0.2)
    assert engine.count() == 0


def test_what_it_has_started_ends_with_it(engine: Helped) -> None:
    pids = [result["pid"] for result in engine.results()]
    engine.end()
    wait_until(lambda: not any(map(psutil.pid_exists, pids)), 10, "the end of both")


def test_what_one_that_was_killed_has_started_ends_with_the_next_call(engine: Helped) -> None:
    pids = [result["pid"] for result in engine.results()]
    os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(EngineError, match="its process has ended"):
        engine.count()
    wait_until(lambda: not any(map(psutil.pid_exists, pids)), 10, "the end of both")


def test_an_engine_that_placed_nothing_starts_nothing() -> None:
    Helped(Settings()).end()


def test_a_missing_library_is_named() -> None:
    class Missing(Helped):
        library = "no_such_library_at_all"

    with pytest.raises(ModuleNotFoundError) as caught:
        Missing(Settings())
    assert caught.value.name == "no_such_library_at_all"
