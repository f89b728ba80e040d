"""When a transfer is too slow for too long, check by check, without a clock."""

from __future__ import annotations

from typing import Any, cast

import pytest

from fetcher.fetch.transfer.curl_loop import CurlResult
from fetcher.fetch.transfer.speed_watch import SpeedWatch
from fetcher.settings.schema import Http


class Transfer:
    """A transfer that the test moves; `fd` is its connection."""

    def __init__(self) -> None:
        self.bytes = 0
        self.is_our_turn = False
        self.fd = 7

    def moved_bytes(self) -> int:
        return self.bytes

    def waits_for_server(self) -> bool:
        return not self.is_our_turn

    def was_heard(self, heard: set[int]) -> bool:
        return self.fd in heard

    def check_deadline(self) -> None:
        raise AssertionError

    def cut(self, result: CurlResult) -> None:
        raise AssertionError


def watch_of(limit_s: float, bytes_s: int, *transfers: Transfer) -> SpeedWatch:
    watch = SpeedWatch(cast(Any, None), Http(low_speed_s=limit_s, low_speed_bytes_s=bytes_s))
    watch._transfers = dict.fromkeys(transfers)
    return watch


def checks_until_end(watch: SpeedWatch, transfer: Transfer, bytes_a_check: int = 0) -> int:
    """The checks after the first until the transfer has to end; at most 100."""
    watch.check(watch.check_s, set())
    for number in range(1, 100):
        transfer.bytes += bytes_a_check
        if watch.check(watch.check_s, set()):
            return number
    return 100


@pytest.mark.parametrize(
    ("limit_s", "check_s"), [(20.0, 1.0), (2.0, 0.25), (0.4, 0.05), (8.5, 1.0)]
)
def test_checks_are_an_eighth_of_the_limit_and_at_most_a_second_apart(
    limit_s: float, check_s: float
) -> None:
    watch = watch_of(limit_s, 1)
    assert watch.check_s <= check_s
    assert watch.check_s > check_s * 0.9


@pytest.mark.parametrize("limit_s", [20.0, 8.5, 2.0, 0.3])
def test_a_silent_server_is_given_up_at_the_limit(limit_s: float) -> None:
    transfer = Transfer()
    watch = watch_of(limit_s, 1, transfer)
    assert checks_until_end(watch, transfer) * watch.check_s == pytest.approx(limit_s)


def test_one_byte_a_check_is_enough_where_only_silence_is_too_slow() -> None:
    transfer = Transfer()
    assert checks_until_end(watch_of(20.0, 1, transfer), transfer, bytes_a_check=1) == 100


@pytest.mark.parametrize(("bytes_a_check", "checks"), [(99, 20), (100, 100)])
def test_fewer_bytes_than_the_limit_are_too_slow(bytes_a_check: int, checks: int) -> None:
    transfer = Transfer()
    assert checks_until_end(watch_of(20.0, 100, transfer), transfer, bytes_a_check) == checks


def test_a_check_that_finds_enough_starts_the_time_again() -> None:
    transfer = Transfer()
    watch = watch_of(20.0, 100, transfer)
    assert checks_until_end(watch, transfer, 99) == 20
    transfer.bytes += 100
    assert watch.check(1.0, set()) == []
    assert [len(watch.check(1.0, set())) for _ in range(20)] == [0] * 19 + [1]


def test_a_part_of_a_line_counts_as_one_byte() -> None:
    silence, pace = Transfer(), Transfer()
    by_silence, by_pace = watch_of(2.0, 1, silence), watch_of(2.0, 100, pace)
    assert not any(by_silence.check(0.25, {7}) for _ in range(50))
    assert any(by_pace.check(0.25, {7}) for _ in range(9))
    assert any(by_silence.check(0.25, {8}) for _ in range(8))


def test_while_the_server_waits_for_us_no_time_counts() -> None:
    transfer = Transfer()
    transfer.is_our_turn = True
    watch = watch_of(2.0, 1, transfer)
    assert checks_until_end(watch, transfer) == 100
    transfer.is_our_turn = False
    assert [len(watch.check(0.25, set())) for _ in range(8)] == [0] * 7 + [1]


def test_a_stall_of_this_process_counts_as_one_check() -> None:
    transfer = Transfer()
    watch = watch_of(2.0, 1, transfer)
    watch.check(0.25, set())
    assert watch.check(3600.0, set()) == []
    assert [len(watch.check(0.25, set())) for _ in range(7)] == [0] * 6 + [1]
