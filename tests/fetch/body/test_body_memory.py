"""The budget for bodies in memory: who pauses, who goes on, and that something always does."""

from __future__ import annotations

import random
from collections.abc import Callable

from fetcher.fetch.body.body_memory import MAX_UNSENT_BYTES, BodyMemory

MB = 1024 * 1024


class Loop:
    """Runs scheduled functions on demand."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []

    def schedule(self, function: Callable[[], None]) -> None:
        self._due.append(function)

    def turn(self) -> None:
        due, self._due = self._due, []
        for function in due:
            function()


class Transfer:
    """A body of so many bytes that comes in pieces."""

    def __init__(self, memory: BodyMemory, size: int) -> None:
        self.left = size
        self.size = size
        self.is_paused = False
        self.account = memory.open_account()

    def _resume(self) -> None:
        self.is_paused = False

    def receive(self, piece_bytes: int) -> None:
        piece_bytes = min(piece_bytes, self.left)
        if self.account.admit(piece_bytes):
            self.left -= piece_bytes
        else:
            self.is_paused = True
            self.account.wait(self._resume)


def test_a_transfer_pauses_when_the_budget_is_used_up_and_goes_on_when_room_comes_back() -> None:
    loop = Loop()
    memory = BodyMemory(9 * MB, loop.schedule)
    first, second, third = (Transfer(memory, 9 * MB) for _ in range(3))
    first.receive(9 * MB)
    second.receive(9 * MB)
    third.receive(9 * MB)
    assert (first.left, second.is_paused, third.is_paused) == (0, True, True)
    assert not memory.has_room()
    loop.turn()
    assert (second.is_paused, third.is_paused) == (False, True), "one may go on alone"
    second.receive(9 * MB)
    assert second.left == 0
    first.account.close()
    second.account.close()
    loop.turn()
    assert not third.is_paused
    third.receive(9 * MB)
    third.account.close()
    assert (memory.used_bytes, memory.paused, memory.has_room()) == (0, 0, True)


def test_while_rows_pile_up_before_the_sink_no_transfer_goes_beyond_the_budget() -> None:
    loop = Loop()
    memory = BodyMemory(40 * MB, loop.schedule)
    memory.put_row(MAX_UNSENT_BYTES)
    big = Transfer(memory, 9 * MB)
    big.receive(9 * MB)
    loop.turn()
    big.receive(9 * MB)
    assert big.is_paused
    loop.turn()
    memory.sent_rows(MAX_UNSENT_BYTES)
    loop.turn()
    assert not big.is_paused


def test_a_paused_transfer_that_ends_gives_up_its_place_and_its_bytes() -> None:
    loop = Loop()
    memory = BodyMemory(2 * MB, loop.schedule)
    first, second = Transfer(memory, 3 * MB), Transfer(memory, 3 * MB)
    for transfer in (first, second, first, second):
        transfer.receive(MB)
    assert (first.is_paused, second.is_paused) == (True, True)
    first.account.close()
    assert (memory.paused, memory.used_bytes) == (1, MB)
    loop.turn()
    assert not second.is_paused


def test_a_transfer_that_ends_in_a_pause_is_not_resumed_and_its_bytes_are_still_held() -> None:
    loop = Loop()
    memory = BodyMemory(MB, loop.schedule)
    transfer = Transfer(memory, 3 * MB)
    transfer.receive(MB)
    transfer.receive(MB)
    transfer.account.leave_queue(transfer._resume)
    assert (memory.paused, memory.used_bytes) == (0, MB)
    loop.turn()
    assert transfer.is_paused


def test_each_paused_transfer_of_a_fetch_goes_on_but_not_one_that_has_ended() -> None:
    loop = Loop()
    memory = BodyMemory(9 * MB, loop.schedule)
    memory.put_row(9 * MB)
    first, second, third = (Transfer(memory, MB) for _ in range(3))
    second.account = third.account = first.account
    for transfer in (first, second, third):
        transfer.receive(MB)
    second.account.leave_queue(second._resume)
    memory.sent_rows(9 * MB)
    loop.turn()
    assert [each.is_paused for each in (first, second, third)] == [False, True, False]


def test_who_waits_for_its_next_hop_gives_its_right_to_go_beyond_the_budget_to_another() -> None:
    loop = Loop()
    memory = BodyMemory(MB, loop.schedule)
    first, second = Transfer(memory, 3 * MB), Transfer(memory, 3 * MB)
    for transfer in (first, first, second):
        transfer.receive(MB)
    loop.turn()
    assert (first.is_paused, second.is_paused) == (False, True)
    first.account.give_way()
    loop.turn()
    assert not second.is_paused


def test_fetches_that_all_wait_for_their_next_hop_let_others_begin() -> None:
    memory = BodyMemory(MB, Loop().schedule)
    parked = [Transfer(memory, MB) for _ in range(2)]
    parked[0].receive(MB)
    assert not memory.has_room()
    for transfer in parked:
        transfer.account.give_way()
    assert memory.has_room(), "nothing else would ever free a byte"
    memory.put_row(1)
    assert not memory.has_room(), "the sink will take the row"
    memory.sent_rows(1)
    for transfer in parked:
        transfer.account.close()
    assert (memory.used_bytes, memory.has_room()) == (0, True)


def test_while_too_many_rows_wait_for_the_sink_nothing_begins() -> None:
    memory = BodyMemory(2 * MAX_UNSENT_BYTES, Loop().schedule)
    memory.put_row(MAX_UNSENT_BYTES)
    assert not memory.has_room()
    memory.sent_rows(1)
    assert memory.has_room()


def test_what_a_piece_unpacks_to_counts() -> None:
    memory = BodyMemory(MB, Loop().schedule)
    bomb = Transfer(memory, MB)
    bomb.receive(1000)
    bomb.account.add(MB)
    assert not memory.has_room()
    bomb.account.close()
    assert memory.used_bytes == 0


def test_whatever_comes_in_whatever_order_all_transfers_end_within_the_bounds() -> None:
    for seed in range(100):
        chance = random.Random(seed)
        loop = Loop()
        budget, most = chance.choice([1, MB, 20 * MB]), 9 * MB
        memory = BodyMemory(budget, loop.schedule)
        open_ = [Transfer(memory, chance.randrange(1, most)) for _ in range(40)]
        unsent: list[int] = []
        for _ in range(100_000):
            if not open_:
                break
            loop.turn()
            running = [each for each in open_ if not each.is_paused]
            if unsent and (not running or chance.random() < 0.3):
                memory.sent_rows(unsent.pop())
                continue
            assert running or loop._due, "something can always go on"
            if not running:
                continue
            transfer = chance.choice(running)
            transfer.receive(chance.randrange(1, 2 * MB))
            assert memory.used_bytes <= budget + MAX_UNSENT_BYTES + 2 * most
            if not transfer.left:
                open_.remove(transfer)
                transfer.account.close()
                memory.put_row(transfer.size)
                unsent.append(transfer.size)
        assert not open_, seed
        memory.sent_rows(sum(unsent))
        assert (memory.used_bytes, memory.unsent_bytes, memory.paused) == (0, 0, 0)
