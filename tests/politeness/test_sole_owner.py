"""The worker that owns all hosts; time is a number."""

from __future__ import annotations

from fetcher.politeness.sole_owner import SoleOwner


def owned_by(worker: str) -> SoleOwner:
    """A record in which this worker has heard that it owns all hosts."""
    made = SoleOwner()
    made.give(worker)
    assert made.grant() == (worker, 1)
    return made


def test_nobody_owns_all_hosts_at_first() -> None:
    owner = SoleOwner()
    assert (owner.worker, owner.grant(), owner.recall(9.0)) == ("", None, None)
    assert not owner.wants("a", 0.0)


def test_the_grant_is_sent_once_and_again_when_the_worker_still_asks() -> None:
    owner = owned_by("a")
    assert owner.grant() is None
    assert owner.wants("a", 1.0)
    assert owner.grant() == ("a", 1)
    assert owner.grant() is None


def test_a_want_of_another_worker_recalls_all_hosts() -> None:
    owner = owned_by("a")
    assert not owner.wants("b", 5.0)
    assert owner.recall(4.9) is None
    assert owner.recall(5.0) == ("a", 1)


def test_a_recall_is_repeated_until_it_is_answered() -> None:
    owner = owned_by("a")
    owner.contest(5.0)
    assert owner.recall(5.0) == ("a", 1)
    assert owner.recall(6.9) is None
    assert owner.recall(7.0) == ("a", 1)
    owner.owns("a", 1, 7.1)
    assert owner.worker == ""
    assert owner.recall(99.0) is None


def test_a_second_contest_does_not_put_the_recall_off() -> None:
    owner = owned_by("a")
    owner.contest(5.0)
    owner.contest(8.0)
    assert owner.recall(5.0) == ("a", 1)


def test_a_contest_that_goes_on_does_not_send_the_recall_more_often() -> None:
    """All workers would hear it at each turn of the ventilator's loop."""
    owner = owned_by("a")
    recalls = []
    for turn in range(50):
        now = 5.0 + turn / 10
        owner.contest(now)
        if owner.recall(now):
            recalls.append(now)
    assert recalls == [5.0, 7.0, 9.0]


def test_the_owner_whose_hosts_are_contested_is_not_granted_them_again() -> None:
    owner = owned_by("a")
    owner.contest(5.0)
    assert not owner.wants("a", 6.0)
    assert owner.grant() is None


def test_an_answer_to_another_grant_ends_nothing() -> None:
    owner = owned_by("a")
    owner.contest(5.0)
    owner.owns("a", 0, 6.0)
    assert owner.worker == "a"
    owner.give("a")
    owner.owns("a", 1, 7.0)
    assert owner.worker == "a", "that was the grant before"
    owner.owns("a", 2, 8.0)
    assert owner.worker == ""


def test_a_worker_that_says_it_owns_hosts_contests_those_of_the_owner() -> None:
    owner = owned_by("a")
    owner.owns("b", 1, 5.0)
    assert owner.worker == "a"
    assert owner.recall(5.0) == ("a", 1)


def test_a_new_grant_forgets_that_hosts_were_contested() -> None:
    owner = owned_by("a")
    owner.contest(5.0)
    owner.give("b")
    assert owner.recall(99.0) is None
    assert owner.grant() == ("b", 2)


def test_a_worker_that_leaves_owns_nothing() -> None:
    owner = owned_by("a")
    assert not owner.worker_left("b")
    assert owner.worker == "a"
    assert owner.worker_left("a")
    assert owner.worker == ""
    assert not owner.worker_left("a")


def test_a_grant_to_a_worker_that_left_is_not_sent() -> None:
    owner = SoleOwner()
    owner.give("a")
    owner.worker_left("a")
    assert owner.grant() is None
