"""Bounds the bytes of bodies and rows that a worker process holds in memory.

Law: bytes count from when they are received until the sink's socket has taken their row. While the
budget is used up nothing new begins, and transfers pause at their next piece. The longest paused
one may always go on alone, so that something ends and room comes back; but not while rows pile up
before the sink, as then room comes back by itself. So at most the budget, the rows before the sink
and one body are held.
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
    """One for a worker process."""

    def __init__(self, max_bytes: int, schedule: Callable[[Callable[[], None]], object]) -> None:
        """`schedule` calls a function soon, outside of any callback of a transfer."""
        self._max_bytes = max_bytes
        self._schedule = schedule
        self.used_bytes = 0
        self.unsent_bytes = 0  # of these, rows that wait for the sink
        self._paused: deque[Account] = deque()  # the longest paused first
        self._favourite: Account | None = None  # may go on beyond the budget
        self._is_due = False

    def account(self, resume: Resume) -> Account:
        """The account of one fetch; `resume` goes on with its paused transfer."""
        return Account(self, resume)

    @property
    def has_room(self) -> bool:
        """Whether a new fetch may begin."""
        return self.used_bytes < self._max_bytes and not self._paused

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

    def _close(self, account: Account, held_bytes: int) -> None:
        self.used_bytes -= held_bytes
        if account is self._favourite:
            self._favourite = None
        if account in self._paused:
            self._paused.remove(account)
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
    """The bytes of one fetch."""

    __slots__ = ("_held_bytes", "_memory", "resume")

    def __init__(self, memory: BodyMemory, resume: Resume) -> None:
        self._memory = memory
        self._held_bytes = 0
        self.resume = resume

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

    def close(self) -> None:
        """The fetch's bytes are let go of, or its row has them."""
        held_bytes, self._held_bytes = self._held_bytes, 0
        self._memory._close(self, held_bytes)
