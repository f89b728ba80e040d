"""Limits per host over thousands of simulated jobs, and the mistakes that must not pass.

Seeds until a mistake was caught, on the day of this table (each change of the code moves them):

    of the broker                                   of the gate
    a host given twice                        1     any turn given back                      4
    the rest in a release ignored             3     all hosts kept on a recall               2
    no recalls                               61     releases forgotten                      18
    grants at once after a restart            6     ... without their rest                   3
    grants before a sole owner's answer       6     a host given back while it is asked      1
    no recall of all hosts                    4     a host asked after it was given back     3
    all hosts given while others own some    18     a host that was dropped kept            18
    all hosts given at once after a restart  54     ... given back without its rest        478
    a dead sole owner's hosts get no rest   160
    what a sole owner keeps ignored          11
    the rests that it tells ignored          83
    its answer to an old recall taken       320
    hosts of a worker never heard kept        4
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pytest

from fetcher.politeness import sole_owner
from fetcher.politeness.gate import Gate
from fetcher.politeness.host_broker import SILENT_S, HostBroker, Ticketed
from fetcher.politeness.host_state import Experience, HostState
from fetcher.politeness.owned_hosts import Ownership, Released
from fetcher.politeness.sole_owner import SoleOwner
from support.polite_crowd import Crowd, Request

SEEDS = 400


class LastWords(Crowd):
    has_last_words = True


@pytest.fixture
def _eager_recalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """All hosts are recalled at each turn, so that old answers are often on their way."""
    monkeypatch.setattr(sole_owner, "_RECALL_AGAIN_S", 0.0)


def test_a_host_never_sees_more_than_the_limits_whatever_workers_and_brokers_do() -> None:
    for seed in range(SEEDS):
        Crowd(seed).run()


@pytest.mark.usefixtures("_eager_recalls")
def test_a_host_never_sees_more_than_the_limits_if_recalls_are_sent_at_each_turn() -> None:
    for seed in range(SEEDS):
        Crowd(seed).run()


@pytest.mark.slow
def test_thousands_of_crowds() -> None:
    for seed in range(SEEDS, 10_000):
        Crowd(seed).run()


# -- mistakes of the broker ------------------------------------------------------------------


class GivesTwice(HostBroker):
    def want(self, worker: str, hosts: Sequence[int], ticket: int, now: float) -> None:
        self._turns.clear()
        for host in self._hosts.values():
            host.owner = ""
        super().want(worker, hosts, ticket, now)


class ForgetsTheRest(HostBroker):
    def release(self, worker: str, hosts: Iterable[tuple[int, int, float]], now: float) -> None:
        super().release(worker, [(number, ticket, 0.0) for number, ticket, _ in hosts], now)


class NeverRecalls(HostBroker):
    def recalls(self, now: float) -> dict[str, Ticketed]:
        return {}


class GrantsAtOnce(HostBroker):
    def __init__(
        self, delay_s: float = 0.0, quiet_until: float = 0.0, silent_s: float = SILENT_S
    ) -> None:
        super().__init__(delay_s, 0.0, silent_s)


class GrantsWhatTheSoleOwnerHas(HostBroker):
    """It does not wait for the sole owner's answer when a second worker joins."""

    def _may_grant(self, now: float) -> bool:
        return now >= self._quiet_until


class NeverRecallsAll(HostBroker):
    def recall_of_all(self, now: float) -> tuple[str, int] | None:
        return None


class GrantsAllWhileOthersOwn(HostBroker):
    def living(self, workers: Collection[str], now: float) -> None:
        if len(workers) == 1 and not self._sole.worker:
            self._forget_hosts()
        super().living(workers, now)


class GrantsAllAtOnceAfterARestart(HostBroker):
    def living(self, workers: Collection[str], now: float) -> None:
        quiet_until, self._quiet_until = self._quiet_until, 0.0
        super().living(workers, now)
        self._quiet_until = quiet_until


class ForgetsTheRestAfterASoleOwnersDeath(HostBroker):
    def worker_left(self, worker: str, now: float) -> None:
        quiet_until = self._quiet_until
        super().worker_left(worker, now)
        self._quiet_until = quiet_until


class ForgetsWhatASoleOwnerKeeps(HostBroker):
    def owns(
        self,
        worker: str,
        hosts: Iterable[tuple[int, int]],
        rests: Iterable[tuple[int, float]],
        answers: int,
        now: float,
    ) -> None:
        super().owns(worker, [] if answers else hosts, rests, answers, now)


class ForgetsTheRestsThatAreTold(HostBroker):
    def owns(
        self,
        worker: str,
        hosts: Iterable[tuple[int, int]],
        rests: Iterable[tuple[int, float]],
        answers: int,
        now: float,
    ) -> None:
        super().owns(worker, hosts, [], answers, now)


class _AnyAnswer(SoleOwner):
    def owns(self, worker: str, ticket: int, now: float) -> None:
        super().owns(worker, self._ticket, now)


class TakesAnOldAnswer(HostBroker):
    def __init__(
        self, delay_s: float = 0.0, quiet_until: float = 0.0, silent_s: float = SILENT_S
    ) -> None:
        super().__init__(delay_s, quiet_until, silent_s)
        self._sole = _AnyAnswer()


class KeepsTheHostsOfTheUnheard(HostBroker):
    def _note_unheard(self, worker: str, now: float) -> None:
        pass


BROKERS = [
    GivesTwice,
    ForgetsTheRest,
    NeverRecalls,
    GrantsAtOnce,
    GrantsWhatTheSoleOwnerHas,
    NeverRecallsAll,
    GrantsAllWhileOthersOwn,
    GrantsAllAtOnceAfterARestart,
    ForgetsTheRestAfterASoleOwnersDeath,
    ForgetsWhatASoleOwnerKeeps,
    ForgetsTheRestsThatAreTold,
    TakesAnOldAnswer,
]


# -- mistakes of the gate --------------------------------------------------------------------


class GivesAnyTurnBack(Gate[Request]):
    def done(
        self,
        name: str,
        now: float,
        report: Experience,
        item: Request | None = None,
        took_s: float = 0.0,
    ) -> None:
        if not report.is_sent:
            self._hosts[name].next_at = 0.0
        super().done(name, now, report, item, took_s)


class KeepsAllOnARecall(Gate[Request]):
    def recalled_all(self, ticket: int, now: float) -> Ownership | None:
        had_all = self._has_all
        told = super().recalled_all(ticket, now)
        self._has_all = had_all
        return told


class ForgetsARelease(Gate[Request]):
    def releases(self) -> Released:
        super().releases()
        return Released([], [], [])


class ForgetsTheRestInARelease(Gate[Request]):
    def releases(self) -> Released:
        hosts, tickets, _ = super().releases()
        return Released(hosts, tickets, [0.0] * len(hosts))


class GivesBackWhatItStillAsks(Gate[Request]):
    def recalled(self, hosts: Iterable[int], tickets: Iterable[int], now: float) -> None:
        hosts, tickets = list(hosts), list(tickets)
        super().recalled(hosts, tickets, now)
        for number, ticket in zip(hosts, tickets, strict=True):
            self._give_back(number, ticket, 0.0)


class AsksWhatItHasGivenBack(Gate[Request]):
    def give_unused_back(self, now: float) -> None:
        owned = [name for name in self._kept if self._hosts[name].claim == "owned"]
        super().give_unused_back(now)
        for name in owned:
            if name not in self._hosts:
                self._hosts[name] = HostState(name, "owned")


class KeepsWhatItHasDropped(Gate[Request]):
    def _give_dropped_back(self, dropped: list[tuple[int, int]], now: float) -> None:
        pass


class GivesDroppedHostsBackWithoutTheirRests(Gate[Request]):
    def _give_dropped_back(self, dropped: list[tuple[int, int]], now: float) -> None:
        for number, ticket in dropped:
            self._give_back(number, ticket, 0.0)


GATES = [
    GivesAnyTurnBack,
    KeepsAllOnARecall,
    ForgetsARelease,
    ForgetsTheRestInARelease,
    GivesBackWhatItStillAsks,
    AsksWhatItHasGivenBack,
]
DROPPING_GATES = [KeepsWhatItHasDropped, GivesDroppedHostsBackWithoutTheirRests]


def _is_noticed(crowd: type[Crowd], first_seed: int) -> bool:
    for seed in range(first_seed, first_seed + SEEDS):
        try:
            crowd(seed).run()
        except AssertionError:
            return True
    return False


@pytest.mark.usefixtures("_eager_recalls")
@pytest.mark.parametrize("mistake", BROKERS)
def test_the_crowd_notices_a_mistake_of_the_broker(mistake: type[HostBroker]) -> None:
    crowd = type("MistakenCrowd", (Crowd,), {"broker_class": mistake})
    assert _is_noticed(crowd, 700 if mistake is TakesAnOldAnswer else 0)


def test_the_last_words_of_dead_workers_keep_no_host_from_others() -> None:
    for seed in range(SEEDS):
        LastWords(seed).run()
    mistake = {"broker_class": KeepsTheHostsOfTheUnheard}
    assert _is_noticed(type("MistakenCrowd", (LastWords,), mistake), 0)


@pytest.mark.parametrize("mistake", GATES)
def test_the_crowd_notices_a_mistake_of_the_gate(mistake: type[Gate[Request]]) -> None:
    crowd = type("MistakenCrowd", (Crowd,), {"gate_class": mistake})
    assert _is_noticed(crowd, 0)


@pytest.mark.usefixtures("_eager_recalls")
@pytest.mark.parametrize("mistake", DROPPING_GATES)
def test_the_crowd_notices_a_mistake_about_dropped_hosts(mistake: type[Gate[Request]]) -> None:
    crowd = type("MistakenCrowd", (Crowd,), {"gate_class": mistake})
    assert _is_noticed(crowd, 400)
