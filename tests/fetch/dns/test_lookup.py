"""How long a look-up waits for which address family; time is a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from socket import AF_INET, AF_INET6
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.dns import lookup
from fetcher.fetch.dns.lookup import Lookup, Plan
from fetcher.fetch.dns.replies import Reply, Status, failed

V4, V6 = Reply(Status.FOUND, ("10.0.0.1",)), Reply(Status.FOUND, ("::1",))
NO_NAME, NO_ADDRESS = Reply(Status.NO_NAME), Reply(Status.NO_ADDRESS)
SILENT, FAILED = Reply(Status.SILENT), failed("refused", ErrorKind.DNS_REFUSED)
BOTH = Plan((AF_INET, AF_INET6), (AF_INET, AF_INET6), 10.0, 0.5)
ALONE = Plan((AF_INET,), (AF_INET,), 10.0, 0.5)
FIRST = Plan((AF_INET, AF_INET6), (AF_INET,), 10.0, 0.5, alone_s=2.0)


class Asked:
    """A look-up, its questions that wait for an answer, and how it ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
        self.now = 100.0
        monkeypatch.setattr(lookup, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.open: dict[int, Callable[[Reply], None]] = {}
        self.asked: list[int] = []
        self.patient: dict[int, Callable[[Reply], None]] = {}
        self.ends: list[Reply] = []
        self.at_once: Reply | None = None
        self.lookup = Lookup(cast(Any, self), "a.test", plan, self.ends.append)

    def ask(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        """See fetch.dns.name_servers.NameServers."""
        assert name == "a.test"
        self.asked.append(family)
        if self.at_once is not None:
            reply(self.at_once)
        else:
            self.open[family] = reply

    def ask_patiently(self, name: str, family: int, reply: Callable[[Reply], None]) -> None:
        """See fetch.dns.name_servers.NameServers."""
        assert name == "a.test" and family not in self.patient
        self.patient[family] = reply

    def answer(self, family: int, reply: Reply, after_s: float = 0.0) -> list[Reply]:
        self.now += after_s
        self.open.pop(family)(reply)
        return self.ends

    def wait(self, seconds: float) -> list[Reply]:
        self.now += seconds
        self.lookup.step()
        return self.ends


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Callable[[Plan], Asked]:
    def begun(plan: Plan) -> Asked:
        asked = Asked(monkeypatch, plan)
        asked.lookup.step()
        return asked

    return begun


Begin = Callable[[Plan], Asked]


def test_addresses_of_both_families_come_in_the_order_of_the_plan(begin: Begin) -> None:
    for plan, addresses in (
        (BOTH, ("10.0.0.1", "::1")),
        (BOTH._replace(families=(AF_INET6, AF_INET)), ("::1", "10.0.0.1")),
    ):
        asked = begin(plan)
        assert sorted(asked.asked) == [AF_INET, AF_INET6]
        assert asked.answer(AF_INET6, V6) == []
        assert asked.answer(AF_INET, V4) == [Reply(Status.FOUND, addresses)]


def test_the_other_family_is_waited_for_a_moment_only(begin: Begin) -> None:
    asked = begin(BOTH)
    assert asked.answer(AF_INET, V4) == []
    assert asked.wait(0.09) == []
    assert asked.wait(0.02) == [V4]


def test_the_preferred_family_is_waited_for_longer(begin: Begin) -> None:
    asked = begin(BOTH)
    assert asked.answer(AF_INET6, V6) == []
    assert asked.wait(0.49) == []
    assert asked.wait(0.02) == [V6]


def test_a_name_that_does_not_exist_ends_at_once_without_the_other_family(begin: Begin) -> None:
    asked = begin(FIRST)
    assert asked.answer(AF_INET, NO_NAME) == [NO_NAME]
    assert asked.asked == [AF_INET]


def test_the_second_family_is_asked_only_where_the_first_has_no_address(begin: Begin) -> None:
    asked = begin(FIRST)
    assert asked.answer(AF_INET, V4) == [V4]
    assert asked.asked == [AF_INET]
    asked = begin(FIRST)
    assert asked.answer(AF_INET, NO_ADDRESS) == []
    assert asked.asked == [AF_INET, AF_INET6]
    assert asked.answer(AF_INET6, V6) == [V6]


def test_a_failure_of_the_first_family_lets_the_second_decide(begin: Begin) -> None:
    asked = begin(FIRST)
    asked.answer(AF_INET, FAILED)
    assert asked.answer(AF_INET6, NO_ADDRESS) == [FAILED], "the failure explains more"


def test_the_second_family_is_asked_where_the_first_is_silent(begin: Begin) -> None:
    asked = begin(FIRST)
    assert asked.wait(1.9) == []
    assert asked.asked == [AF_INET]
    assert asked.wait(0.2) == []
    assert asked.asked == [AF_INET, AF_INET6]
    assert asked.answer(AF_INET6, V6) == []
    assert asked.wait(0.5) == [V6]


def test_a_question_that_ended_early_is_asked_again_while_there_is_time(begin: Begin) -> None:
    asked = begin(Plan((AF_INET,), (AF_INET,), 10.0, 0.5))
    assert asked.answer(AF_INET, SILENT, after_s=3.0) == []
    assert asked.asked == [AF_INET, AF_INET]
    assert asked.answer(AF_INET, SILENT, after_s=6.9) == [SILENT]
    assert asked.asked == [AF_INET, AF_INET]


def test_it_ends_at_its_time_whatever_is_missing(begin: Begin) -> None:
    asked = begin(BOTH)
    assert asked.wait(9.9) == []
    assert asked.wait(0.2) == [SILENT]


@pytest.mark.parametrize(
    ("first", "second", "end"),
    [
        (NO_ADDRESS, NO_ADDRESS, NO_ADDRESS),
        (NO_ADDRESS, FAILED, FAILED),
        (NO_ADDRESS, NO_NAME, NO_ADDRESS),
        (FAILED, NO_NAME, FAILED),
        (NO_NAME, FAILED, NO_NAME),
        (FAILED, V6, V6),
    ],
)
def test_without_an_address_the_reply_that_explains_it_is_the_end(
    begin: Begin, first: Reply, second: Reply, end: Reply
) -> None:
    asked = begin(BOTH)
    asked.answer(AF_INET6, second)
    assert asked.answer(AF_INET, first) == [end]


def test_it_ends_once_whatever_comes_later(begin: Begin) -> None:
    asked = begin(BOTH)
    asked.answer(AF_INET, V4)
    asked.wait(1.0)
    asked.answer(AF_INET6, V6)
    assert asked.wait(100.0) == [V4]


def test_replies_that_come_before_ask_returns_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch, BOTH)
    asked.at_once = NO_ADDRESS
    asked.lookup.step()
    assert asked.ends == [NO_ADDRESS]
    assert sorted(asked.asked) == [AF_INET, AF_INET6]


def test_a_plan_waits_for_the_preferred_family_without_a_limit_by_default() -> None:
    assert BOTH.alone_s == math.inf


def test_a_question_without_a_reply_is_asked_with_patience_while_the_first_goes_on(
    begin: Begin,
) -> None:
    asked = begin(BOTH)
    asked.answer(AF_INET6, NO_ADDRESS)
    assert asked.wait(0.9) == [] and not asked.patient
    assert asked.wait(0.2) == [] and list(asked.patient) == [AF_INET]
    asked.answer(AF_INET, SILENT)
    assert asked.asked[-1] == AF_INET
    asked.patient[AF_INET](V4)
    assert asked.ends == [V4]
    asked.open[AF_INET](SILENT)
    assert asked.ends == [V4]


def test_a_first_answer_counts_where_the_patient_question_has_none(begin: Begin) -> None:
    asked = begin(ALONE)
    asked.wait(1.1)
    asked.patient[AF_INET](SILENT)
    assert asked.ends == []
    assert asked.answer(AF_INET, V4) == [V4]
    asked.patient[AF_INET](FAILED)
    assert asked.ends == [V4]


def test_silence_does_not_replace_an_answer(begin: Begin) -> None:
    asked = begin(BOTH)
    asked.wait(1.1)
    asked.patient[AF_INET6](V6)
    asked.open[AF_INET6](SILENT)
    assert asked.answer(AF_INET, V4) == [Reply(Status.FOUND, ("10.0.0.1", "::1"))]
