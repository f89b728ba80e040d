"""The broker: which worker may ask which host; time is a number."""

from __future__ import annotations

from fetcher.politeness.host_broker import CONTESTED_S, HostBroker


def test_the_broker_gives_a_host_to_one_worker_and_to_the_next_after_its_rest() -> None:
    broker = HostBroker()
    broker.want("a", [1, 2], 0, 0)
    broker.want("b", [1], 0, 0)
    assert broker.grants(0) == {"a": ([1, 2], [0, 0])}
    broker.release("a", [(1, 0, 2.0)], 1)
    assert broker.grants(2.9) == {}
    assert broker.grants(3) == {"b": ([1], [0])}


def test_what_happens_to_a_host_does_not_happen_to_the_others_of_its_want() -> None:
    broker = HostBroker()
    broker.want("a", [1, 2, 3, 4], 7, 0)
    assert broker.grants(0) == {"a": ([1, 2, 3, 4], [7, 7, 7, 7])}
    broker.want("b", [1], 8, 1)
    broker.release("a", [(2, 7, 9.0), (3, 7, 0.0), (4, 6, 0.0)], 1)
    broker.release("b", [(4, 7, 0.0)], 1)
    broker.want("b", [2, 3, 4], 9, 2)
    assert broker.grants(2) == {"b": ([3], [9])}
    assert broker.recalls(CONTESTED_S) == {"a": ([1, 4], [7, 7])}
    assert broker.grants(10) == {"b": ([2], [9])}


def test_a_dead_owners_hosts_rest_though_nobody_else_wanted_them() -> None:
    broker = HostBroker(delay_s=2)
    broker.want("a", [1, 2], 0, 0)
    broker.want("b", [3], 0, 0)
    broker.grants(0)
    broker.worker_left("a", 1)
    broker.want("b", [1], 1, 1)
    assert broker.grants(2.9) == {}
    assert broker.grants(3) == {"b": ([1], [1])}
    assert len(broker) == 2, "b owns two, and the other's rest is over"


def test_a_host_that_is_wanted_and_was_granted_before_is_granted_with_the_new_ticket() -> None:
    broker = HostBroker()
    broker.want("a", [1], 4, 0)
    assert broker.grants(0) == {"a": ([1], [4])}
    broker.want("a", [1, 2], 5, 1)
    assert broker.grants(1) == {"a": ([2, 1], [5, 5])}
    broker.release("a", [(1, 4, 0.0)], 2)
    assert len(broker) == 2, "that is the release of an older grant"


def test_the_host_broker_recalls_what_others_wait_for() -> None:
    broker = HostBroker()
    broker.want("a", [1], 0, 0)
    assert broker.grants(0) == {"a": ([1], [0])}
    broker.want("b", [1], 0, 1)
    assert broker.recalls(CONTESTED_S - 0.1) == {}
    assert broker.recalls(CONTESTED_S) == {"a": ([1], [0])}
    assert broker.recalls(CONTESTED_S + 0.1) == {}
    assert broker.recalls(CONTESTED_S + 3) == {"a": ([1], [0])}, "the first may have been lost"


def test_wants_that_are_repeated_for_hours_take_no_memory() -> None:
    broker = HostBroker()
    broker.want("a", [1], 0, 0)
    broker.grants(0)
    for second in range(1, 1000):
        broker.want("b", [1], second, second)
        broker.want("c", [1], second, second)
        broker.recalls(second)
    assert len(broker._contested) == 1
    assert broker.recalls(2000) == {"a": ([1], [0])}


def test_the_host_broker_takes_from_who_is_gone_and_says_a_lost_grant_again() -> None:
    broker = HostBroker()
    broker.want("a", [1], 0, 0)
    assert broker.grants(0) == {"a": ([1], [0])}
    broker.want("a", [1], 0, 2)
    assert broker.grants(2) == {"a": ([1], [0])}
    broker.want("b", [1], 0, 3)
    broker.worker_left("a", 4)
    assert broker.grants(4) == {"b": ([1], [0])}
    broker.release("b", [(1, 9, 0.0)], 5)
    assert len(broker) == 1, "that was another grant"
    broker.release("b", [(1, 0, 0.0)], 5)
    assert len(broker) == 0


def test_a_host_that_another_worker_has_by_now_is_recalled_from_who_owned_it_before() -> None:
    broker = HostBroker()
    broker.want("b", [1], 4, 0)
    assert broker.grants(0) == {"b": ([1], [4])}
    broker.owns("a", [(1, 9), (2, 8)], [], 0, 1)
    assert broker.recalls(1) == {"a": ([1], [9])}
    broker.owns("b", [(1, 4)], [], 0, 1)
    broker.release("a", [(1, 9, 0.0)], 2)
    broker.want("a", [1], 10, 2)
    assert broker.grants(2) == {}, "b owns it"
    assert broker.recalls(CONTESTED_S + 2) == {"b": ([1], [4])}


def test_a_new_host_broker_learns_who_owns_what_before_it_grants() -> None:
    broker = HostBroker(quiet_until=5)
    broker.want("b", [1, 2], 0, 0)
    broker.owns("a", [(1, 0)], [], 0, 1)
    assert broker.grants(4.9) == {}
    assert broker.grants(5) == {"b": ([2], [0])}


def test_a_host_stays_with_its_owner_though_another_worker_says_late_that_it_owns_it() -> None:
    broker = HostBroker(quiet_until=5)
    broker.want("b", [1], 7, 0)
    assert broker.grants(5) == {"b": ([1], [7])}
    broker.owns("a", [(1, 0)], [], 0, 6)
    broker.want("c", [1], 8, 6)
    broker.release("a", [(1, 0, 0.0)], 7)
    assert broker.grants(7) == {}
    broker.release("b", [(1, 7, 0.0)], 8)
    assert broker.grants(8) == {"c": ([1], [8])}


def test_a_host_that_rested_before_a_restart_is_not_granted_until_its_rest_is_over() -> None:
    broker = HostBroker(quiet_until=5)
    broker.want("b", [1], 0, 0)
    broker.owns("a", [], [(1, 8.0)], 0, 1)
    assert broker.grants(8.9) == {}
    assert broker.grants(9) == {"b": ([1], [0])}


# -- all hosts -------------------------------------------------------------------------------


def sole_owner(delay_s: float = 0.0) -> HostBroker:
    """A broker that has given all hosts to "a"."""
    broker = HostBroker(delay_s)
    broker.living({"a"}, 0)
    assert broker.grant_of_all() == ("a", 1)
    return broker


def test_a_worker_that_is_alone_gets_all_hosts_once() -> None:
    broker = sole_owner()
    broker.living({"a"}, 1)
    assert broker.grant_of_all() is None
    broker.want("a", [1], 0, 2)
    assert broker.grant_of_all() == ("a", 1), "it has not heard of it"
    assert broker.grants(2) == {}
    assert len(broker) == 0


def test_while_a_host_rests_or_another_worker_owns_it_nobody_gets_all_hosts() -> None:
    broker = HostBroker(delay_s=2)
    broker.want("a", [1], 0, 0)
    broker.want("b", [2], 0, 0)
    assert broker.grants(0) == {"a": ([1], [0]), "b": ([2], [0])}
    broker.living({"a"}, 1)
    assert broker.grant_of_all() is None
    broker.worker_left("b", 1)
    broker.living({"a"}, 2)
    assert broker.grant_of_all() is None
    assert broker.grants(3) == {}
    broker.living({"a"}, 3)
    assert broker.grant_of_all() == ("a", 1)
    assert len(broker) == 0


def test_until_owners_of_before_a_restart_have_been_heard_nobody_gets_all_hosts() -> None:
    broker = HostBroker(quiet_until=5)
    broker.living({"a"}, 4)
    assert broker.grant_of_all() is None
    broker.living({"a"}, 5)
    assert broker.grant_of_all() == ("a", 1)


def test_a_worker_that_is_no_longer_alone_gives_hosts_back_before_others_get_any() -> None:
    broker = sole_owner()
    broker.living({"a", "b"}, 1)
    assert broker.recall_of_all(1) == ("a", 1)
    broker.living({"a", "b"}, 2)
    assert broker.recall_of_all(2) is None
    broker.want("b", [1, 2, 3], 0, 2)
    assert broker.grants(2) == {}
    assert broker.recall_of_all(3) == ("a", 1), "the first may have been lost"
    broker.owns("a", [(1, 0)], [(2, 4.0)], 1, 4)
    assert broker.recall_of_all(9) is None
    assert broker.grants(4) == {"b": ([3], [0])}
    assert broker.grants(8) == {"b": ([2], [0])}
    assert broker.recalls(9) == {"a": ([1], [0])}
    broker.release("a", [(1, 0, 0.0)], 9)
    assert broker.grants(9) == {"b": ([1], [0])}


def test_an_answer_to_an_earlier_recall_does_not_count() -> None:
    broker = sole_owner()
    broker.living({"a", "b"}, 1)
    broker.owns("a", [], [], 1, 2)
    broker.worker_left("b", 3)
    broker.living({"a"}, 3)
    assert broker.grant_of_all() == ("a", 2)
    broker.want("b", [1], 0, 4)
    broker.owns("a", [], [], 1, 4)
    assert broker.grants(4) == {}
    broker.owns("a", [], [], 2, 5)
    assert broker.grants(5) == {"b": ([1], [0])}


def test_all_hosts_of_who_is_gone_rest() -> None:
    broker = sole_owner(delay_s=2)
    broker.want("b", [1], 0, 1)
    broker.worker_left("a", 1)
    broker.living({"b"}, 1)
    assert (broker.grants(2.9), broker.grant_of_all()) == ({}, None)
    assert broker.grants(3) == {"b": ([1], [0])}
