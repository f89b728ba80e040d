"""Bounds the bytes of bodies and rows that a worker process holds in memory.

Bytes count from their receipt until the sink's socket has taken their row. While the budget is used
up, no fetch begins, and transfers pause at their next piece. The transfer that has paused longest
may always go on alone, so that something ends and room comes back; but not while many rows wait for
the sink, as then room comes back anyway. So at most the budget, the waiting rows and one body are
held. If all bytes belong to fetches that wait for their next hop, new fetches may begin: those
waiting need a place in the pool too.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

# Rows that wait for the sink: while there are more, no transfer goes on beyond the budget.
MAX_UNSENT_BYTES: Final = 32 * 1024 * 1024
# Room for which one paused transfer goes on: with less, it would only pause again.
_ROOM_BYTES: Final = 1024 * 1024

Resume = Callable[[], None]


class BodyMemory:
    """The budget of a worker process."""

    def __init__(self, max_bytes: int, schedule: Callable[[Callable[[], None]], object]) -> None:
        """`schedule` calls a function soon, outside of the transfers' callbacks."""
        self._max_bytes = max_bytes
        self._schedule = schedule
        self.used_bytes = 0
        self.unsent_bytes = 0  # of these, rows that wait for the sink
        self._active = 0  # fetches with an exchange under way, or a row to be made
        # The fetches whose transfers wait, the longest paused first; and what continues each.
        self._paused: deque[tuple[Account, Resume]] = deque()
        self._privileged: Account | None = None  # may go on beyond the budget
        self._is_scheduled = False

    def has_room(self) -> bool:
        """Whether a new fetch, or the next hop of one, may begin."""
        if self.unsent_bytes >= MAX_UNSENT_BYTES:
            return False
        has_room = self.used_bytes < self._max_bytes and not self._paused
        return has_room or not (self._active or self.unsent_bytes)

    def open_account(self) -> Account:
        """The account of a fetch that begins an exchange."""
        self._active += 1
        return Account(self)

    @property
    def paused(self) -> int:
        """Transfers that wait for room."""
        return len(self._paused)

    def put_row(self, row_bytes: int) -> None:
        """Count a row, with its body, that waits for the sink."""
        self.used_bytes += row_bytes
        self.unsent_bytes += row_bytes

    def sent_rows(self, row_bytes: int) -> None:
        """Free `row_bytes` bytes of rows, which the sink's socket has taken."""
        self.used_bytes -= row_bytes
        self.unsent_bytes -= row_bytes
        self._schedule_resume()

    # -- for accounts ------------------------------------------------------------------------

    def _wait(self, account: Account, resume: Resume) -> None:
        self._paused.append((account, resume))
        self._schedule_resume()

    def _leave_queue(self, account: Account, resume: Resume) -> None:
        with contextlib.suppress(ValueError):  # it is resumed already
            self._paused.remove((account, resume))

    def _give_way(self, account: Account) -> None:
        if account is self._privileged:
            self._privileged = None
        self._paused = deque(paused for paused in self._paused if paused[0] is not account)
        self._schedule_resume()

    def _schedule_resume(self) -> None:
        if self._paused and not self._is_scheduled:
            self._is_scheduled = True
            self._schedule(self._resume_some)

    def _resume_some(self) -> None:
        self._is_scheduled = False
        room_bytes = max(self._max_bytes - self.used_bytes, 0)
        for _ in range(min(len(self._paused), room_bytes // _ROOM_BYTES)):
            self._paused.popleft()[1]()
        if self._paused and self._privileged is None and self.unsent_bytes < MAX_UNSENT_BYTES:
            self._privileged, resume = self._paused.popleft()
            resume()


class Account(msgspec.Struct, eq=False):
    """Counts the bytes of one fetch, over all of its exchanges."""

    _memory: BodyMemory
    _held_bytes: int = 0
    _is_active: bool = True

    def begin(self) -> None:
        """Another exchange begins."""
        if not self._is_active:
            self._is_active = True
            self._memory._active += 1

    def admit(self, piece_bytes: int) -> bool:
        """Whether a received piece may be taken now. If not, its transfer must `wait`."""
        memory = self._memory
        used_bytes = memory.used_bytes + piece_bytes
        if used_bytes > memory._max_bytes and memory._privileged is not self:
            return False
        memory.used_bytes = used_bytes
        self._held_bytes += piece_bytes
        return True

    def wait(self, resume: Resume) -> None:
        """A transfer has paused; `resume` is called when it may go on."""
        self._memory._wait(self, resume)

    def add(self, piece_bytes: int) -> None:
        """Count also the bytes that an admitted piece was decoded to."""
        self._held_bytes += piece_bytes
        self._memory.used_bytes += piece_bytes

    def leave_queue(self, resume: Resume) -> None:
        """A transfer has ended in its pause, so `resume` is not called; its bytes stay held."""
        self._memory._leave_queue(self, resume)

    def give_way(self) -> None:
        """The fetch waits for its next hop; its bytes are still held."""
        memory = self._memory
        if self._is_active:
            self._is_active = False
            memory._active -= 1
        if memory._paused or memory._privileged is not None:
            memory._give_way(self)

    def close(self) -> None:
        """The fetch's bytes are freed, or counted as its row from now on."""
        self._memory.used_bytes -= self._held_bytes
        self._held_bytes = 0
        self.give_way()
