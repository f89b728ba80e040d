"""Which hosts a worker's gate owns, wants and gives back; time is a number."""

from __future__ import annotations

from fetcher.politeness.gate import Gate
from fetcher.politeness.host_numbers import number_of
from fetcher.politeness.host_state import Report, Rules
from fetcher.politeness.owned_hosts import KEEP_S, Ownership, Released

FINE = Report()
H, ACTIVE, RESTING = (number_of(host) for host in ("h", "active", "resting"))


def released(*hosts: tuple[int, int, float]) -> Released:
    """Releases of these hosts: number, ticket, rest in seconds."""
    return Released(
        [number for number, _, _ in hosts],
        [ticket for _, ticket, _ in hosts],
        [rest_s for _, _, rest_s in hosts],
    )


def gate(delay_s: float = 0.5) -> Gate[str]:
    return Gate(Rules(per_host=2, delay_s=delay_s, circuit_failures=3))


def taken(made: Gate[str], now: float) -> list[str]:
    items = []
    while (item := made.take(now)) is not None:
        items.append(item)
    return items


def owner_of(*hosts: str, items: int = 1, delay_s: float = 0.5) -> Gate[str]:
    """A gate that owns these hosts by a want with ticket 1, at time 0."""
    made = gate(delay_s)
    for host in hosts:
        for number in range(items):
            made.arrive(host, f"{host}{number}", 0)
    wanted = made.wants(1)
    made.granted(wanted, [1] * len(wanted), 0)
    return made


def test_a_host_is_asked_only_once_it_is_granted() -> None:
    made = gate()
    made.arrive("h", "x", 0)
    assert taken(made, 0) == []
    assert made.wants(7) == [H]
    made.granted([H], [6], 1)
    assert taken(made, 1) == [], "that was an answer to another want"
    made.granted([H], [7], 1)
    assert taken(made, 1) == ["x"]


def test_an_idle_host_is_kept_until_its_rest_is_over_and_then_given_back() -> None:
    made = owner_of("h")
    assert taken(made, 1) == ["h0"]
    made.done("h", 1.2, FINE)
    made.give_unused_back(1.4)
    assert made.releases() == released()
    made.give_unused_back(1.5)
    assert made.releases() == released((H, 1, 0.0))
    assert made.owned() == []


def test_a_host_that_is_kept_serves_what_comes_meanwhile() -> None:
    made = owner_of("h")
    assert taken(made, 1) == ["h0"]
    made.done("h", 1.2, FINE)
    made.arrive("h", "again", 1.3)
    made.give_unused_back(1.6)
    assert (made.releases(), made.wants(2)) == (released(), [])
    assert taken(made, 1.6) == ["again"]


def test_a_host_that_rests_for_long_is_given_back_at_once_with_its_rest() -> None:
    made = owner_of("h")
    assert taken(made, 1) == ["h0"]
    made.done("h", 2, Report(rest_s=KEEP_S + 1))
    assert made.releases() == released((H, 1, KEEP_S + 1))


def test_a_grant_that_is_not_needed_any_more_is_given_back() -> None:
    made = gate()
    made.granted([H], [1], 0)
    assert made.releases() == released((H, 1, 0.0))


def test_a_grant_that_is_not_needed_any_more_is_given_back_with_the_rest_of_its_host() -> None:
    made = owner_of("h")
    assert taken(made, 1) == ["h0"]
    made.done("h", 2, Report(rest_s=KEEP_S + 1))
    assert made.releases() == released((H, 1, KEEP_S + 1))
    made.granted([H], [2], 2.5)
    assert made.releases() == released((H, 2, KEEP_S + 0.5))


def test_other_workers_need_not_wait_for_a_host_that_this_one_has_given_up() -> None:
    made = owner_of("h", items=3)
    for now in (0.0, 0.5, 1.0):
        assert len(taken(made, now)) == 1
        made.done("h", now, Report(trouble="refused"))
    assert made.releases() == released((H, 1, 0.5))
    made.recalled([H], [1], 1.0)
    made.granted([H], [2], 1.0)
    assert made.releases() == released((H, 1, 0.5), (H, 2, 0.5))
    assert made.rests(1.0) == [(H, 0.5)]


def test_a_recalled_host_is_given_back_once_what_asks_it_has_ended() -> None:
    made = owner_of("h", items=3, delay_s=0.0)
    assert taken(made, 0) == ["h0", "h1"]
    made.recalled([H], [1], 1)
    made.done("h", 2, FINE)
    assert (taken(made, 2), made.releases()) == ([], released())
    made.done("h", 3, FINE)
    assert made.releases() == released((H, 1, 0.0))
    assert made.wants(2) == [H], "it still has something for it"


def test_a_recalled_host_that_is_kept_is_given_back_with_its_rest() -> None:
    made = owner_of("h")
    assert taken(made, 1) == ["h0"]
    made.done("h", 1.25, FINE)
    made.recalled([H], [1], 1.25)
    assert made.releases() == released((H, 1, 0.25))
    made.recalled([H], [1], 1.25)
    assert made.releases() == released((H, 1, 0.25)), "the first answer may have been lost"


def test_who_lost_its_hosts_wants_those_that_were_ready_again() -> None:
    made = owner_of("h")
    made.disowned(1)
    assert taken(made, 1) == []
    assert made.wants(2) == [H]


def test_a_grant_of_a_host_that_is_wanted_anew_and_not_asked_for_yet_is_given_back() -> None:
    made = owner_of("h", items=2)
    assert taken(made, 1) == ["h0"]
    made.done("h", 2, FINE)
    made.recalled([H], [1], 2)
    made.granted([H], [1], 2)
    assert taken(made, 2) == [], "the release and this may be on their way"
    assert made.releases() == released((H, 1, 0.0), (H, 1, 0.0))
    assert made.wants(2) == [H]


def test_a_host_that_is_dropped_and_wanted_again_is_asked_for_once() -> None:
    made = gate()
    made.arrive("h", "x", 0)
    made.disowned(0)
    made.disowned(0)
    assert made.wants(1) == [H]
    assert made.wants(2) == []
    assert made.wants(3, again=True) == [H]


def test_the_rest_of_a_host_that_was_never_asked_for_is_told_with_its_release() -> None:
    made = gate()
    made.granted_all(1, 0)
    made.arrive("h", "x", 0)
    assert taken(made, 0) == ["x"]
    made.done("h", 1, Report(rest_s=30))
    made.recalled_all(1, 2)
    made.granted([H, 7], [5, 6], 2)
    made.recalled([H], [5], 3)
    assert made.releases() == released((H, 5, 29.0), (7, 6, 0.0), (H, 5, 28.0))


def test_hosts_that_are_given_back_leave_nothing_behind() -> None:
    made = owner_of("h", "active", "resting")
    assert len(taken(made, 1)) == 3
    for host in ("h", "active", "resting"):
        made.done(host, 2, FINE)
    made.give_unused_back(2)
    assert (made._hosts, made._by_number, made._kept) == ({}, {}, {})


# -- all hosts -------------------------------------------------------------------------------


def test_who_owns_all_hosts_wants_none_and_gives_none_back() -> None:
    made = gate()
    made.arrive("h", "x", 0)
    made.granted_all(1, 0)
    made.arrive("other", "y", 0)
    assert made.wants(1) == []
    assert taken(made, 0) == ["x", "y"]
    made.done("h", 1, Report(rest_s=KEEP_S + 1))
    made.done("other", 1, FINE)
    made.give_unused_back(9)
    assert made.releases() == released()


def test_who_owns_all_hosts_keeps_those_in_use_on_a_recall_and_tells_the_rests_of_others() -> None:
    made = gate()
    made.granted_all(4, 0)
    for host in ("active", "resting", "idle"):
        made.arrive(host, host, 0)
    assert taken(made, 0) == ["active", "resting", "idle"]
    made.done("resting", 1, Report(rest_s=30))
    made.done("idle", 1, FINE)
    made.arrive("waiting", "waiting", 1)
    assert made.recalled_all(4, 2) == Ownership([(ACTIVE, 0)], [(RESTING, 29)])
    assert taken(made, 2) == []
    assert made.wants(1) == [number_of("waiting")]
    assert made.recalled_all(4, 3) == Ownership([(ACTIVE, 0)], [(RESTING, 28)])
    made.done("active", 3, FINE)
    made.give_unused_back(3)
    assert made.releases() == released((ACTIVE, 0, 0.0))


def test_a_recall_of_before_the_last_grant_of_all_hosts_is_ignored() -> None:
    made = gate()
    made.granted_all(5, 0)
    assert made.recalled_all(4, 0) is None
    made.arrive("h", "x", 0)
    assert taken(made, 0) == ["x"]


def test_who_owns_all_hosts_forgets_no_host_that_must_rest() -> None:
    made = gate()
    made.granted_all(1, 0)
    for number in range(30_000):
        made.arrive(f"h{number}", "x", 0)
        assert made.take(0) == "x"
        made.done(f"h{number}", 0, Report(rest_s=300))
    ownership = made.recalled_all(1, 1)
    assert ownership is not None
    assert len(ownership.rests) == 30_000
    made = gate()
    made.granted_all(1, 0)
    for number in range(30_000):
        made.arrive(f"h{number}", "x", number)
        assert made.take(number) == "x"
        made.done(f"h{number}", number, Report(rest_s=300))
    assert len(made._hosts) < 12_000, "rests that are over are forgotten"
