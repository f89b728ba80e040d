"""An engine in a helper answers like one in this process, and its process can die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

import psutil
import pytest

from fetcher.engines import helper
from fetcher.engines.helper import HelperEngine
from fetcher.engines.helper_messages import Request
from fetcher.engines.interface import EngineError
from fetcher.errors import UsageError
from fetcher.settings.schema import Engine, Settings
from support import jobs
from support.helped import Number
from support.waiting import wait_until


class Helped(HelperEngine):
    engine = "support.helped:Obedient"
    library = "json"


class Lasting(Helped):
    slots_end_with_it = True


# A program that is killed while a child of it holds the helper's input open.
HOLDER = """
import os, subprocess, sys
from engines.test_helper import Helped
from fetcher.settings.schema import Settings
engine = Helped(Settings())
pid = engine.results()[0]["pid"]
held = engine._helper._process.stdin.fileno()
holder = subprocess.Popen(["sleep", "600"], pass_fds=[held], stdout=subprocess.DEVNULL)
print(pid, holder.pid, flush=True)
sys.stdin.read()
"""


# A program whose helper has started a child.
STARTER = """
import sys
from engines.test_helper import Helped
from fetcher.settings.schema import Settings
engine = Helped(Settings())
print(*(result["pid"] for result in engine.results()), flush=True)
sys.stdin.read()
"""


def ticket(number: int, expires_at: float = 1e12) -> dict[str, float]:
    return {"number": number, "expires_at": expires_at}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Helped]:
    monkeypatch.setenv("PYTHONPATH", jobs.ENV["PYTHONPATH"])
    made = Helped(Settings())
    yield made
    made.end()


def test_calls_are_answered_whatever_the_library_prints(engine: Helped) -> None:
    engine.place([ticket(Number.PRINT), ticket(0)], "")
    assert engine.count() == (0, 2)


def test_its_errors_come_with_their_meaning(engine: Helped) -> None:
    with pytest.raises(EngineError, match=r"^not now$"):
        engine.place([ticket(Number.REFUSE)], "")
    with pytest.raises(EngineError, match=r"^ZeroDivisionError: unexpected$"):
        engine.place([ticket(Number.BREAK)], "")
    with pytest.raises(UsageError, match=r"^never$"):
        engine.place([ticket(Number.MISUSE)], "")
    assert engine.count() == (0, 0)


def test_one_that_dies_is_replaced_and_its_last_words_are_known(engine: Helped) -> None:
    engine.place([ticket(0)], "")
    with pytest.raises(EngineError, match="its process has ended: its last words"):
        engine.place([ticket(Number.DIE)], "")
    assert engine.count() == (0, 0)


def test_one_that_hangs_is_ended(engine: Helped) -> None:
    engine.place([], "")
    with pytest.raises(EngineError, match=r"no answer within 0\.2 s"):
        engine._ask(Request(call="place", tickets=(ticket(Number.HANG),)), 0.2)
    assert engine.count() == (0, 0)


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


def test_one_that_hangs_at_the_end_is_ended_and_nothing_is_said(
    engine: Helped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper, "_END_S", 0.2)
    monkeypatch.setattr(helper, "_LEAVE_S", 0.2)
    engine.place([ticket(Number.HANG_AT_END)], "")
    pid = engine.results()[0]["pid"]
    engine.end()
    assert not psutil.pid_exists(pid)


@contextlib.contextmanager
def running(code: str) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """A program of this code, and the two pids that it writes."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=jobs.ENV,
    ) as program:
        assert program.stdout is not None
        first, second = map(int, program.stdout.readline().split())
        yield program, first, second


def test_one_whose_parent_was_killed_ends_though_its_input_stays_open() -> None:
    with running(HOLDER) as (program, pid, holder):
        program.kill()
    try:
        wait_until(lambda: not psutil.pid_exists(pid), 30, "the end of the helper")
    finally:
        os.kill(holder, signal.SIGKILL)


def test_what_one_has_started_ends_when_it_is_killed_together_with_its_parent() -> None:
    with running(STARTER) as (program, helper_pid, child):
        os.kill(helper_pid, signal.SIGSTOP)  # it cannot see the end of its parent
        program.kill()
        program.wait()
        os.kill(helper_pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(child), 30, "the end of what the helper started")


def test_slots_that_ended_with_one_are_placed_again_unless_they_have_expired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", jobs.ENV["PYTHONPATH"])
    engine = Lasting(Settings())
    engine.place([ticket(0), ticket(0, expires_at=1.0)], "")
    with pytest.raises(EngineError, match="its process has ended"):
        engine.place([ticket(Number.DIE)], "")
    assert engine.count() == (0, 1)
    engine.end()


def test_the_environment_and_the_directory_are_those_of_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = []

    class Placed(Helped):
        directory = "/"

        @contextlib.contextmanager
        def environment(self) -> Iterator[Mapping[str, str]]:
            yield {"OF_THE_ENGINE": "yes"}
            said.append(psutil.pid_exists(pid))

    monkeypatch.setenv("PYTHONPATH", jobs.ENV["PYTHONPATH"])
    engine = Placed(Settings())
    pid = engine.results()[0]["pid"]
    process = psutil.Process(pid)
    assert (process.cwd(), process.environ()["OF_THE_ENGINE"]) == ("/", "yes")
    engine.end()
    assert said == [False]


def test_a_user_who_gives_the_engine_more_time_gives_it_to_each_call_too() -> None:
    assert Helped(Settings())._answer_s == 120
    assert Helped(Settings(engine=Engine(connect_s=300)))._answer_s == 300
