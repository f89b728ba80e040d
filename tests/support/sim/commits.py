"""The network between ventilators and sinks: requests and answers, lost, late or twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.errors import Exit, FetcherError
from fetcher.leases.sink_session import SinkSession
from fetcher.protocol import messages
from support.sim.checks import Known
from support.sim.disk import Killed, Violation
from support.sim.ventilator import SimLink, SimVentilator

if TYPE_CHECKING:
    from support.sim.world import World

_WAY_S = 0.05  # the longest way of a message that is not late
_LATE_S = 4.0  # and of one that is


class Commits:
    """Carries each message, and whatever its receiver does with it is checked."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ask(self, ventilator: SimVentilator, one: SinkSession, link: SimLink) -> None:
        """Request and answer; each may be lost or late, as may be who sent or answered it."""
        world = self._world
        request = ventilator.request(one)
        if request is None:
            return
        number, index = link.asked(world.now), one.index

        def arrive() -> None:
            sink = world.sinks[index]
            if sink is None or not world.has_ventilator(ventilator):
                return
            try:
                answer = sink.session.answer(request, world.now)
            except Killed:
                world.kill_sink(index)
                return
            world.checks.answered(index, request, answer)
            answered = None
            if isinstance(answer, messages.Opened | messages.Committed):
                answered = world.checks.known_at(index)
            if world.dice.random() >= world.loss:
                world.later(self._way_s(), lambda: reply(answer, answered))

        def reply(answer: messages.AnyMessage, answered: Known | None) -> None:
            if world.has_ventilator(ventilator) and link.takes(number):
                self._hear(ventilator, one, answer)
                if answered is not None and isinstance(answer, messages.Opened):
                    world.checks.taken_over(one, answered)
                if answered is not None:
                    world.checks.heard(ventilator, one, request, answered)

        if world.dice.random() >= world.loss:
            world.later(world.dice.uniform(0, _WAY_S), arrive)
        if isinstance(request, messages.Open) and world.dice.random() < 3 * world.late:
            # Nothing may rest on the order of an opening and what follows.
            world.later(world.dice.uniform(_WAY_S, _LATE_S), arrive)

    def _way_s(self) -> float:
        late, dice = self._world.late, self._world.dice
        return dice.uniform(0, _LATE_S if late and dice.random() < late else _WAY_S)

    def _hear(
        self, ventilator: SimVentilator, one: SinkSession, answer: messages.AnyMessage
    ) -> None:
        world = self._world
        try:
            ventilator.hear_sink(one, answer)
        except FetcherError as error:
            if error.exit_code != Exit.CONFLICT or not world.is_contested:
                raise Violation(f"a ventilator stops: {error}") from error
            if ventilator is world.ventilator:
                world.kill_ventilator()
            else:
                world.end_ghost(ventilator)
        else:
            if isinstance(answer, messages.Refused):
                world.checks.refused(ventilator, one)
