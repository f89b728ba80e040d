"""Pause, go on and stop, as the live page orders them; time is a number."""

from __future__ import annotations

import pytest

from fetcher.errors import StoppedError
from fetcher.leases.ledger import Ledger
from fetcher.roles.ventilator.page_orders import STOPPING_S, PageOrders
from fetcher.watch.web.control_mailbox import ControlMailbox
from support.leasing import batch, ledger


def job(
    *, drain_s: float = 0.0, has_worker: bool = True
) -> tuple[ControlMailbox, Ledger, PageOrders]:
    """A job that runs, the mailbox of its page, and what obeys it."""
    mailbox, made = ControlMailbox(), ledger(batch(), workers=("w",) if has_worker else ())
    return mailbox, made, PageOrders(mailbox, made, drain_s)


def test_without_orders_nothing_changes() -> None:
    _, made, orders = job()
    assert not orders.obey(1, has_signal=False)
    assert (made.is_paused, orders.is_stopping) == (False, False)


def test_a_pause_and_its_end_are_obeyed_once() -> None:
    mailbox, made, orders = job()
    mailbox.shall_pause = True
    assert [orders.obey(now, has_signal=False) for now in (1, 2)] == [True, False]
    assert made.is_paused
    mailbox.shall_pause = False
    assert [orders.obey(now, has_signal=False) for now in (3, 4)] == [True, False]
    assert not made.is_paused


@pytest.mark.parametrize("by_page", [True, False])
def test_a_job_that_stops_hands_out_nothing_and_says_so_before_it_ends(by_page: bool) -> None:
    mailbox, made, orders = job()
    mailbox.shall_stop = by_page
    assert orders.obey(1, has_signal=not by_page)
    assert (made.is_paused, orders.is_stopping) == (True, True)
    assert not orders.obey(1 + STOPPING_S, has_signal=not by_page)
    with pytest.raises(StoppedError, match="the same command resumes"):
        orders.obey(1.1 + STOPPING_S, has_signal=not by_page)


def test_a_job_that_stops_is_not_resumed_by_the_end_of_a_pause() -> None:
    mailbox, made, orders = job()
    mailbox.shall_pause = True
    orders.obey(1, has_signal=False)
    mailbox.shall_stop = True
    assert orders.obey(2, has_signal=False)
    mailbox.shall_pause = False
    assert not orders.obey(3, has_signal=False)
    assert made.is_paused


def test_workers_have_time_to_finish_while_there_are_some() -> None:
    mailbox, _, orders = job(drain_s=9)
    mailbox.shall_stop = True
    orders.obey(1, has_signal=False)
    assert not orders.obey(10, has_signal=False)
    with pytest.raises(StoppedError):
        orders.obey(10.1, has_signal=False)


def test_without_workers_the_job_does_not_wait_for_them() -> None:
    mailbox, _, orders = job(drain_s=9, has_worker=False)
    mailbox.shall_stop = True
    orders.obey(1, has_signal=False)
    assert not orders.obey(1 + STOPPING_S, has_signal=False)
    with pytest.raises(StoppedError):
        orders.obey(1.1 + STOPPING_S, has_signal=False)
