"""Broker and workers together, over a network that loses and delays, with processes that die."""

from __future__ import annotations

import random

import pytest

from fetcher.logins.session_broker import LoginRules, SessionBroker, first_generation
from fetcher.logins.session_holder import SessionHolder
from fetcher.protocol.login_messages import AnyLogin, LogIn, Secrets, SessionCookie

STEP_S = 0.25
STEPS = 600
CALM_S = 100.0  # from then on nothing is lost and nobody dies
RULES = LoginRules(login_timeout_s=5.0, max_logins=1_000, login_window_s=10.0)


class World:
    """A site with one valid session, a ventilator, and workers that send requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.valid = ""  # the site's session
        self.log_ins = 0
        self.ventilator = 0
        self.broker = SessionBroker()
        self.workers: dict[str, SessionHolder] = {}
        self.calls: dict[str, tuple[int, float]] = {}  # worker -> order, and when its log-in ends
        self.to_broker: list[AnyLogin] = []
        self.to_workers: list[AnyLogin] = []
        self.served: dict[str, float] = {}  # worker -> when it was served last
        self._born = 0
        self.start_ventilator()
        for _ in range(3):
            self.start_worker()

    @property
    def is_calm(self) -> bool:
        return self.now >= CALM_S

    def start_ventilator(self) -> None:
        self.ventilator += 1
        self.broker = SessionBroker(RULES, first_generation(self.ventilator))
        self.to_broker.clear()

    def start_worker(self) -> None:
        self._born += 1
        self.workers[f"w{self._born}"] = SessionHolder(f"w{self._born}")

    def happens(self, chance: float) -> bool:
        return not self.is_calm and self.random.random() < chance

    def step(self) -> None:
        self.now += STEP_S
        self._accidents()
        for message in self.to_workers:
            for name, holder in self.workers.items():
                if not self.happens(0.2):
                    self._hear(name, holder, message)
        self.to_workers.clear()
        for name, holder in self.workers.items():
            self._work(name, holder)
        self._ventilate()

    def _accidents(self) -> None:
        if self.happens(0.02):
            victim = self.random.choice(list(self.workers))
            del self.workers[victim]
            self.calls.pop(victim, None)
            self.start_worker()
        if self.happens(0.01):
            self.start_ventilator()
        if self.happens(0.03):
            self.valid = ""

    def _hear(self, name: str, holder: SessionHolder, message: AnyLogin) -> None:
        reaction = holder.hear(message)
        self._send(reaction.answer)
        if reaction.ticket:
            self.calls[name] = reaction.ticket, self.now + self.random.uniform(0, 3)

    def _send(self, message: AnyLogin | None) -> None:
        if message is not None and not self.happens(0.2):
            self.to_broker.append(message)

    def _work(self, name: str, holder: SessionHolder) -> None:
        ticket, ends_at = self.calls.get(name, (0, 0.0))
        if ticket and self.now >= ends_at:
            del self.calls[name]
            self.log_ins += 1
            self.valid = f"session{self.log_ins}"
            cookie = SessionCookie("sid", self.valid, "a.test", True, "/", False)
            self._send(holder.logged_in(ticket, Secrets([cookie])))
        holder.hear_ventilator(self.ventilator)
        if not holder.is_waiting:
            if holder.secrets.cookies[0].value == self.valid:
                self.served[name] = self.now
            else:
                self._send(holder.refused(holder.generation))
        if self.now % 1.0 == 0:
            self._send(holder.request())

    def _ventilate(self) -> None:
        for event in self.to_broker:
            self.broker.receive(event, self.now)
        self.to_broker.clear()
        self.broker.tick(list(self.workers), self.now)
        self.to_workers += self.broker.messages(self.now)
        orders = [each for each in self.to_workers if isinstance(each, LogIn)]
        assert len({order.worker for order in orders}) <= 1, "two workers log in at once"


@pytest.mark.parametrize("seed", range(60))
def test_all_workers_have_the_valid_session_once_the_trouble_is_over(seed: int) -> None:
    world = World(seed)
    log_ins = 0
    for _ in range(STEPS):
        world.step()
        if world.now == CALM_S + 30:
            log_ins = world.log_ins
    for name in world.workers:
        assert world.served.get(name) == world.now, f"{name} has no valid session"
    assert world.broker.is_ready, "nothing is handed out"
    assert world.log_ins == log_ins, "nobody logs in again while the session is valid"


def test_without_trouble_there_is_one_log_in() -> None:
    world = World(1)
    world.now = CALM_S
    for _ in range(200):
        world.step()
    assert world.log_ins == 1 and set(world.served) == set(world.workers)
