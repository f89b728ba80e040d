"""Keeps the wanted number of an engine's slots: asks the plan of each queue, and calls the engine.

The engine is called in a thread of its own, so that a broker that does not answer holds up neither
the display nor Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from fetcher.engines import unreached
from fetcher.engines.caller import Caller
from fetcher.engines.interface import Engine, EngineError, SlotCount
from fetcher.engines.slot_plan import SlotPlan
from fetcher.engines.slot_queues import SlotQueue
from fetcher.errors import FetcherError, UsageError
from fetcher.protocol.messages import State
from fetcher.telemetry import logs

_FIRST_PAUSE_S: Final = 1.0  # after a call that failed; it doubles
_LONGEST_PAUSE_S: Final = 30.0
_ONCE: Final = 500  # slots that are placed by one call
_RESULTS_S: Final = 2.0  # between two looks at the results
_END_S: Final = 5.0  # for the engine to take its slots back


class Tickets(Protocol):
    """Makes tickets; see fetcher.engines.tickets."""

    def make(self, job: str, queue: SlotQueue, count: int) -> list[Mapping[str, Any]]:
        """Return the tickets of the next slots of a queue, as plain data."""


class SlotKeeper:
    """The slots of one job. `reach`: where the workers connect to, in words."""

    def __init__(
        self,
        engine: Engine,
        queues: Sequence[SlotQueue],
        tickets: Tickets,
        secrets: str,
        reach: str,
        say: Callable[[str], None],
    ) -> None:
        """`secrets`: what the engine carries to the slots; "" if it carries none."""
        self._engine, self._tickets = engine, tickets
        start_s = engine.settings.engine.start_s
        self._plans = {each: SlotPlan(each.workers, start_s, each.routes) for each in queues}
        self._secrets = secrets
        self._reach, self._say = reach, say
        self._settings = engine.settings.engine
        self._caller = Caller()
        self._job = ""
        self._began_at: float | None = None  # when the first slots were to be placed
        self._placing: dict[SlotQueue, int] = {}  # slots of the call that runs
        self._pause_s, self._next_at = _FIRST_PAUSE_S, 0.0
        self._results_at = 0.0
        self._complaint = ""  # the last error of the engine or of a slot
        self._said = ""

    def hear(self, state: State, now: float) -> None:
        """Take in a state of the ventilator."""
        self._job = state.job
        for plan in self._plans.values():
            plan.hear(state, now)

    def turn(self, now: float) -> None:
        """Call the engine if something is to be done. Raises FetcherError to give the job up."""
        if not self._caller.is_free:
            self._give_up_if_unreached(now)
            return
        self._take_result_of_call(now)
        self._give_up_if_unreached(now)
        missing = self._missing(now)
        if missing and now >= self._next_at:
            self._begin(missing, now)
        elif now - self._results_at > _RESULTS_S and self._began_at is not None:
            self._results_at = now
            self._caller.start(self._look_at_results)

    def _missing(self, now: float) -> dict[SlotQueue, int]:
        """Return how many slots to place now in which queues."""
        missing = {}
        left = _ONCE
        for queue, plan in self._plans.items():
            if count := min(plan.missing(now), left):
                missing[queue] = count
                left -= count
        return missing

    def _begin(self, missing: dict[SlotQueue, int], now: float) -> None:
        if self._began_at is None:
            self._began_at = now
        self._placing = missing
        self._caller.start(lambda: self._place(missing))

    def _place(self, missing: dict[SlotQueue, int]) -> None:
        self._engine.start()
        tickets = [
            ticket
            for queue, count in missing.items()
            for ticket in self._tickets.make(self._job, queue, count)
        ]
        self._engine.place(tickets, self._secrets)

    def _take_result_of_call(self, now: float) -> None:
        error, placed = self._caller.error, self._placing
        self._caller.error, self._placing = None, {}
        if error is None:
            if placed:
                self._pause_s = _FIRST_PAUSE_S
            for queue, count in placed.items():
                self._plans[queue].placed(count, now)
            return
        if not isinstance(error, EngineError):
            raise error
        self._next_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._complain(str(error))

    def _look_at_results(self) -> None:
        for result in self._engine.results():
            if error := str(result.get("error") or ""):
                self._complain(f"a slot ended: {error}")
            if notice := str(result.get("notice") or ""):
                self._complain(notice)

    def _complain(self, text: str) -> None:
        self._complaint = text
        if text != self._said:
            self._said = text
            self._say(logs.own(f"{self._settings.name}: {text}"))

    def _give_up_if_unreached(self, now: float) -> None:
        has_joined = any(plan.has_joined for plan in self._plans.values())
        if has_joined or self._began_at is None:
            return
        if now - self._began_at > self._settings.connect_s:
            raise UsageError(self._unreached())

    def _unreached(self) -> str:
        name, connect_s = self._settings.name, self._settings.connect_s
        has_answered = self._caller.wait(_END_S)
        if has_answered and isinstance(self._caller.error, EngineError):
            self._complaint = str(self._caller.error)
        is_coming = any(plan.coming for plan in self._plans.values())
        if not has_answered and not self._complaint and not is_coming:
            return (
                f"{name} has not answered within {connect_s:g} s (engine.connect_s): if it only "
                "starts slowly, set engine.connect_s to more"
            )
        if self._complaint and not is_coming:
            return (
                f"{name} ran no slot within {connect_s:g} s (engine.connect_s): {self._complaint}"
            )
        return unreached.text(
            self._engine, self._count(), self._queues(), self._reach, self._complaint
        )

    def _queues(self) -> list[str]:
        """Return those with slots; the call that placed them may just have ended."""
        plans = self._plans.items()
        return [each.name for each, plan in plans if plan.coming or each in self._placing]

    def _count(self) -> SlotCount | None:
        counts: list[SlotCount | None] = []
        if self._caller.wait(_END_S):
            self._caller.start(lambda: counts.append(self._engine.count()))
            self._caller.wait(_END_S)
        return counts[0] if counts else None

    def end(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Take all slots back; a failure is only said."""
        if self._began_at is None:
            return
        self._caller.start(self._engine.end)
        if self._caller.wait(_END_S, is_hurried) and self._caller.error is not None:
            error = self._caller.error
            if not isinstance(error, FetcherError):
                raise error
            self._say(logs.own(f"{self._settings.name}: {error}"))
