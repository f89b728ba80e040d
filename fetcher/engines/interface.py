"""The interface of an engine: it places slots, and takes them back.

A slot is one call of `fetcher.engines.slot.serve(ticket)` in a process of the engine. An engine
never decides how many slots there are: `fetcher.engines.slot_plan` does, from what the job's
ventilator hears. So an engine's mistakes are harmless: a slot that runs twice is one more worker,
and one that is lost is placed again.

A new engine is one module here with a class, a row in `fetcher.engines.registry`, and an extra of
its name in setup.cfg.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fetcher.errors import FetcherError
from fetcher.settings.schema import Settings


class EngineError(FetcherError):
    """The engine cannot be reached, or refuses; it is asked again while the job goes on."""


class BrokenEngineError(EngineError):
    """The engine's library cannot go on in this process; a helper starts another one."""


class SlotCount(NamedTuple):
    """How many slots an engine has."""

    waiting: int  # for a place to run
    running: int


class Engine(abc.ABC):
    """One engine, for one job. All calls come from one thread; they may block."""

    # Whether the arguments of `place` reach the slot by a way that nobody else can read: no broker,
    # no dashboard, no log. If so, `place` gets the job's secrets.
    carries_secrets = False
    # Whether it places each slot by the `queue` of its ticket, which only some of its workers
    # serve. If not, each slot serves all routes of a job.
    has_queues = False

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet. Raises UsageError if a library is missing."""
        self.settings = settings

    def start(self) -> None:  # noqa: B027 (most engines have nothing to start)
        """Connect to the engine, or start it, if that takes time; does nothing if it is there.

        Called before each `place`, so that the time does not count against the tickets. Raises
        EngineError.
        """

    @abc.abstractmethod
    def place(self, tickets: Sequence[Mapping[str, Any]], secrets: str) -> None:
        """Have one slot run for each ticket: `serve(ticket, secrets=secrets)`.

        It does not wait for the slots. A ticket is plain data that JSON can hold. `secrets` is ""
        unless `carries_secrets`. Raises EngineError; then the tickets are forgotten.
        """

    @abc.abstractmethod
    def count(self) -> SlotCount | None:
        """Return how many slots the engine has; None: it cannot tell.

        For messages to people only. Raises EngineError.
        """

    def advice(self, queues: Sequence[str]) -> str:
        """Return what a user can do about slots that wait in these queues for a place to run."""
        return f"see whether {self.settings.engine.name} has room for them"

    def results(self) -> Sequence[Mapping[str, Any]]:
        """Return what `serve` returned in slots that have ended since the last call.

        Their errors are shown to the user, nothing else. A mapping with only a `notice` has a line
        of the engine itself for the user. An engine that cannot tell leaves this method out.
        """
        return ()

    @abc.abstractmethod
    def end(self) -> None:
        """Take all slots back: those that wait never run, those that run may finish.

        The job is over or stopped, and its workers have been told so. Called once, at the end, also
        after errors; it must not take longer than a few seconds. Raises EngineError.
        """
