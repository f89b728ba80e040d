"""The gate of one worker that owns all hosts; time is a number."""

from __future__ import annotations

from fetcher.politeness.gate import Gate
from fetcher.politeness.host_numbers import number_of
from fetcher.politeness.host_state import FREE, Report, Rules
from fetcher.protocol.samples import Load

RULES = Rules(per_host=2, delay_s=0.5, circuit_failures=3, circuit_s=60.0, is_owner=True)
FINE = Report()


def gate(**changes: float | bool) -> Gate[str]:
    return Gate(Rules(**{**{f: getattr(RULES, f) for f in Rules.__struct_fields__}, **changes}))


def taken(made: Gate[str], now: float) -> list[str]:
    items: list[str] = []
    while (item := made.take(now)) is not None:
        items.append(item)
        assert len(items) <= 1000, "it gives without end"
    return items


def test_a_host_that_asked_for_a_rest_is_shown_with_the_time_left_and_the_reason() -> None:
    made = gate()
    for item in ("h1", "h2", "h3"):
        made.arrive("h", item, 0)
    first = made.take(0)
    assert first is not None
    made.arrive("h", first, 1, 31)  # its next attempt
    made.done("h", 1, Report(rest_s=30.0, rest_why="503"), first)
    assert made.loads(1) == [Load("h", 0, 3, 30.0, "503")]
    assert made.loads(21) == [Load("h", 0, 3, 10.0, "503")]
    assert made.loads(32) == [Load("h", 0, 3, 0.0, "")]


def test_a_host_is_asked_by_so_many_at_once_and_in_order() -> None:
    made = gate(delay_s=0.0)
    for n in range(4):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0", "h1"]
    assert made.parked == 2
    made.done("h", 1, FINE)
    assert taken(made, 1) == ["h2"]


def test_many_items_of_a_host_stay_in_order_and_the_next_hop_of_one_goes_first() -> None:
    made = gate(delay_s=0.0, per_host=100)
    for n in range(90):
        made.arrive("h", f"h{n}", 0)
    made.arrive("h", "hop", 0, first=True)
    assert taken(made, 0) == ["hop", *(f"h{n}" for n in range(90))]


def test_requests_to_a_host_begin_so_far_apart() -> None:
    made = gate(per_host=10)
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert made.next_at() == 0.5
    assert taken(made, 0.4) == []
    assert taken(made, 0.5) == ["h1"]


UNSENT = Report(is_sent=False)


def test_a_turn_that_was_not_needed_is_given_back_and_the_next_comes_at_once() -> None:
    made = gate(per_host=1)
    for n in range(100):
        made.arrive("h", f"h{n}", 0)
    for n in range(50):
        assert taken(made, 0.01 * n) == [f"h{n}"]
        made.done("h", 0.01 * n + 0.005, UNSENT, f"h{n}")
    assert taken(made, 0.6) == ["h50"]
    made.done("h", 0.7, FINE, "h50")
    assert taken(made, 1.0) == []
    assert taken(made, 1.1) == ["h51"]


def test_only_the_turn_of_what_was_not_sent_is_given_back() -> None:
    made = gate(per_host=3)
    for n in range(4):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert taken(made, 0.5) == ["h1"]
    made.done("h", 0.6, UNSENT, "h0")
    assert taken(made, 0.9) == [], "h1 has asked at 0.5"
    assert taken(made, 1.0) == ["h2"]
    made.done("h", 1.1, Report(rest_s=10), "h1")
    made.done("h", 1.2, UNSENT, "h2")
    assert taken(made, 11.0) == [], "the host wants its rest"
    assert taken(made, 11.1) == ["h3"]


def test_a_delay_that_the_host_asks_for_holds_from_the_request_that_brought_it() -> None:
    made = gate()
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    made.done("h", 0.1, Report(delay_s=5.0), "h0")
    assert taken(made, 5.0) == []
    assert taken(made, 5.1) == ["h1"]
    assert taken(made, 10.0) == []
    assert taken(made, 10.1) == ["h2"]


def test_what_was_not_sent_says_nothing_of_a_host_that_fails() -> None:
    made = gate(delay_s=0.0)
    for n in range(5):
        made.arrive("h", f"h{n}", 0)
    for report in (Report(trouble="refused"), UNSENT, Report(trouble="refused")):
        made.done("h", 0, report, made.take(0))
    made.done("h", 0, Report(trouble="refused"), made.take(0))
    assert len(made.given_up) == 1


def test_what_is_known_to_need_no_turn_any_more_leaves_the_queue() -> None:
    made = gate()
    for n in range(6):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    assert made.take_waiting("h", lambda item: item in {"h1", "h4"}) == ["h1", "h4"]
    assert made.parked == 3
    assert made.take_waiting("other", lambda _: True) == []
    made.done("h", 0.1, FINE, "h0")
    assert taken(made, 0.5) == ["h2"]


def test_half_of_the_hosts_that_could_be_asked_go_to_others_with_all_that_waits_there() -> None:
    made = gate(delay_s=0.0, per_host=1, is_owner=False)
    for host in "abcd":
        for n in range(3):
            made.arrive(host, f"{host}{n}", 0)
    wanted = made.wants(0, again=False)
    made.granted(wanted, [0] * len(wanted), 0)
    assert made.take(0) == "a0"
    assert made.give_up_hosts(lambda item: item != "c2", 0) == ["d0", "d1", "d2"]
    assert made.parked == 8
    assert made.releases().hosts == [number_of("d")]
    assert taken(made, 0) == ["b0", "c0"]
    made.arrive("d", "d9", 1)
    assert made.wants(1, again=False) == [number_of("d")], "it is as new"


def test_the_hosts_that_take_longest_are_shown_with_an_estimate() -> None:
    made = gate(per_host=2)
    for n in range(11):
        made.arrive("many", f"m{n}", 0)
    made.arrive("few", "f0", 0)
    made.arrive("few", "f1", 0)
    made.arrive("late", "l0", 0, not_before=30.0)
    assert sorted(taken(made, 0)) == ["f0", "m0"]
    assert made.longest(2, 0) == [("late", 30.0), ("many", 5.5)]
    made.done("many", 4, FINE, "m0", 4.0)
    assert made.longest(1, 4) == [("late", 26.0)], "two at once, four seconds each"
    assert dict(made.longest(9, 4))["many"] == 20.0


def test_hosts_take_turns_and_a_slow_one_holds_up_no_other() -> None:
    made = gate(delay_s=0.0, per_host=1)
    for n in range(1000):
        made.arrive("slow", f"slow{n}", 0)
    for n in range(3):
        made.arrive(f"h{n}", f"fast{n}", 0)
    assert taken(made, 0) == ["slow0", "fast0", "fast1", "fast2"]


def test_a_host_that_asks_for_rest_gets_it_and_its_own_delay_is_kept() -> None:
    made = gate()
    for n in range(3):
        made.arrive("h", f"h{n}", 0)
    assert taken(made, 0) == ["h0"]
    made.done("h", 1, Report(rest_s=30.0, delay_s=5.0))
    assert taken(made, 30.9) == []
    assert taken(made, 31) == ["h1"]
    assert taken(made, 35.9) == []
    assert taken(made, 36) == ["h2"]


def test_a_rest_holds_for_items_whose_host_was_ready_already() -> None:
    made = gate()
    made.arrive("h", "h0", 0)
    assert made.take(0) == "h0"
    made.arrive("h", "h1", 1)
    made.done("h", 1, Report(rest_s=30.0), "h0")
    assert taken(made, 30.9) == []
    assert taken(made, 31) == ["h1"]


def test_a_host_that_fails_again_and_again_is_given_up_and_tried_again_by_one() -> None:
    made = gate(delay_s=0.0)
    for n in range(9):
        made.arrive("h", f"h{n}", 0)
    for _ in range(3):
        assert made.take(1) is not None
        made.done("h", 1, Report(trouble="no answer"))
    assert [item for item, _ in made.given_up] == [f"h{n}" for n in range(3, 9)]
    assert "given up for 60 s after 3 failures in a row (last: no answer)" in made.given_up[0][1]
    made.given_up.clear()
    made.arrive("h", "late", 30)
    assert [item for item, _ in made.given_up] == ["late"]
    made.arrive("h", "trial", 61)
    made.arrive("h", "next", 61)
    assert taken(made, 61) == ["trial"]
    made.done("h", 62, FINE)
    assert taken(made, 62) == ["next"]
    assert made.parked == 0


def test_what_waits_for_another_attempt_is_out_of_the_way() -> None:
    made = gate()
    made.arrive("h", "again", 0, 10.0)
    made.arrive(FREE, "free", 0, 5.0)
    assert made.parked == 2
    assert taken(made, 4) == []
    assert taken(made, 5) == ["free"]
    assert taken(made, 10) == ["again"]


def test_a_next_hop_goes_before_what_waits() -> None:
    made = gate(delay_s=0.0, per_host=1)
    made.arrive("h", "a", 0)
    made.arrive("h", "b", 0, first=True)
    assert made.take(0) == "b"


def test_hosts_are_forgotten_once_there_is_nothing_to_remember() -> None:
    made = gate()
    for n in range(1000):
        made.arrive(f"h{n}", "x", n)
        assert made.take(n) == "x"
        made.done(f"h{n}", n, FINE)
        made.give_unused_back(n)
    assert len(made._hosts) < 10
    for n in range(30_000):
        made.arrive(f"dead{n}", "x", 4000 + n)
        assert made.take(4000 + n) == "x"
        made.done(f"dead{n}", 4000 + n, Report(trouble="dead"))
    assert len(made._hosts) < 12_000
