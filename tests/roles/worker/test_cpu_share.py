"""Computations share the event loop's turns with the network."""

from __future__ import annotations

import time

import gevent

from fetcher.roles.worker.cpu_share import CpuShare


def _compute(for_s: float) -> None:
    end = time.perf_counter() + for_s
    while time.perf_counter() < end:
        pass


def test_the_loop_serves_its_timers_between_two_computations() -> None:
    share = CpuShare()
    order: list[int | str] = []

    def computing(number: int) -> None:
        share.wait()
        _compute(0.03)  # more than a turn's share
        order.append(number)

    def ticking() -> None:
        while len(order) < 20:
            gevent.sleep(0.001)
            order.append("tick")

    greenlets = [gevent.spawn(computing, number) for number in range(6)]
    ticker = gevent.spawn(ticking)
    gevent.joinall(greenlets, timeout=60, raise_error=True)
    ticker.kill()
    numbers = [each for each in order if each != "tick"]
    assert numbers == list(range(6)), "first come, first served"
    # A timer of 1 ms may just miss a turn, but not two.
    ticks = order[order.index(0) : order.index(5)].count("tick")
    assert ticks >= 2, order


def test_short_computations_share_a_turn() -> None:
    share = CpuShare()
    order: list[int | str] = []

    def computing(number: int) -> None:
        share.wait()
        order.append(number)

    gevent.spawn_later(0, order.append, "tick")
    gevent.joinall([gevent.spawn(computing, number) for number in range(50)], timeout=60)
    assert share.waiting == 0
    assert [each for each in order if each != "tick"] == list(range(50))


def test_the_longest_turn_is_reported_once() -> None:
    share = CpuShare()
    share.wait()
    _compute(0.05)
    gevent.sleep(0.01)
    assert share.take_longest_s() >= 0.05
    assert share.take_longest_s() == 0.0
