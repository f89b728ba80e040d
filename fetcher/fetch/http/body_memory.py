"""Bounds the bytes of bodies and rows that a worker process holds in memory.

Law: bytes count from when they are received until the sink's socket has taken their row. While the
budget is used up nothing new begins, and transfers pause at their next piece. The longest paused
one may always go on alone, so that something ends and room comes back; but not while rows pile up
before the sink, as then room comes back by itself. So at most the budget, the rows before the sink
and one body are held. Where all that is held belongs to fetches that wait for their next hop, new
ones may begin, as these need a place too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

# Rows that wait for the sink: while there are more, no transfer goes on beyond the budget.
MAX_UNSENT_BYTES: Final = 32 * 1024 * 1024
# Room for which one paused transfer goes on: with less, it would only pause again.
_ROOM_BYTES: Final = 1024 * 1024

Resume = Callable[[], None]


class BodyMemory:
    """Keeps the budget; a worker process has one."""

    def __init__(self, max_bytes: int, schedule: Callable[[Callable[[], None]], object]) -> None:
        """`schedule` calls a function soon, outside of any callback of a transfer."""
        self._max_bytes = max_bytes
        self._schedule = schedule
        self.used_bytes = 0
        self.unsent_bytes = 0  # of these, rows that wait for the sink
        self._going = 0  # accounts whose fetch has an exchange, or a row to be made
        self._paused: deque[Account] = deque()  # the longest paused first
        self._favourite: Account | None = None  # may go on beyond the budget
        self._is_due = False

    def account(self) -> Account:
        """The account of one fetch."""
        return Account(self)

    @property
    def has_room(self) -> bool:
        """Whether a new fetch, or the next hop of one, may begin."""
        if self.unsent_bytes >= MAX_UNSENT_BYTES:
            return False
        has_room = self.used_bytes < self._max_bytes and not self._paused
        return has_room or not (self._going or self.unsent_bytes)

    @property
    def paused(self) -> int:
        """Transfers that wait for room."""
        return len(self._paused)

    def put_row(self, row_bytes: int) -> None:
        """A row, with its body, waits for the sink."""
        self.used_bytes += row_bytes
        self.unsent_bytes += row_bytes

    def sent_rows(self, row_bytes: int) -> None:
        """The sink's socket has taken rows of so many bytes."""
        self.used_bytes -= row_bytes
        self.unsent_bytes -= row_bytes
        self._look_again()

    # -- for accounts ------------------------------------------------------------------------

    def _admit(self, account: Account, piece_bytes: int) -> bool:
        fits = self.used_bytes + piece_bytes <= self._max_bytes
        if not fits and account is not self._favourite:
            self._paused.append(account)
            self._look_again()
            return False
        self.used_bytes += piece_bytes
        return True

    def _begin(self) -> None:
        self._going += 1

    def _leave_queue(self, account: Account) -> None:
        if account in self._paused:
            self._paused.remove(account)

    def _give_way(self, account: Account, freed_bytes: int) -> None:
        self._going -= 1
        self.used_bytes -= freed_bytes
        if account is self._favourite:
            self._favourite = None
        self._leave_queue(account)
        self._look_again()

    def _free(self, freed_bytes: int) -> None:
        self.used_bytes -= freed_bytes
        self._look_again()

    def _look_again(self) -> None:
        if self._paused and not self._is_due:
            self._is_due = True
            self._schedule(self._resume_some)

    def _resume_some(self) -> None:
        self._is_due = False
        room_bytes = max(self._max_bytes - self.used_bytes, 0)
        for _ in range(min(len(self._paused), room_bytes // _ROOM_BYTES)):
            self._paused.popleft().resume()
        if self._paused and self._favourite is None and self.unsent_bytes < MAX_UNSENT_BYTES:
            self._favourite = self._paused.popleft()
            self._favourite.resume()


class Account:
    """The bytes of one fetch, in all of its exchanges."""

    __slots__ = ("_held_bytes", "_is_going", "_memory", "resume")

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self._held_bytes = 0
        self._is_going = False
        self.resume: Resume = _no_resume

    def begin(self, resume: Resume) -> None:
        """An exchange begins; `resume` goes on with its paused transfer."""
        self.resume = resume
        if not self._is_going:
            self._is_going = True
            self._memory._begin()

    def admit(self, piece_bytes: int) -> bool:
        """Whether a received piece may be taken now; if not, `resume` is called later."""
        if not self._memory._admit(self, piece_bytes):
            return False
        self._held_bytes += piece_bytes
        return True

    def add(self, piece_bytes: int) -> None:
        """Count what an admitted piece unpacked to, too."""
        self._held_bytes += piece_bytes
        self._memory.used_bytes += piece_bytes

    def end(self) -> None:
        """The exchange has ended, paused or not; its bytes are still held."""
        self.resume = _no_resume
        self._memory._leave_queue(self)

    def give_way(self) -> None:
        """The fetch waits for its next hop; its bytes are still held."""
        if self._is_going:
            self._is_going = False
            self._memory._give_way(self, 0)

    def close(self) -> None:
        """The fetch's bytes are let go of, or its row has them."""
        held_bytes, self._held_bytes = self._held_bytes, 0
        if self._is_going:
            self._is_going = False
            self._memory._give_way(self, held_bytes)
        else:
            self._memory._free(held_bytes)


def _no_resume() -> None:
    """No transfer of the fetch is paused."""
