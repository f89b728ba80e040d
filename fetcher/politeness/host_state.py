"""The rules of politeness, and what a worker knows of one host."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, Literal, Protocol, TypeVar

import msgspec

Item = TypeVar("Item")

# What a worker has of a host:
#
#     none --> wanted --want--> asked --grant--> owned --recall--> recalled
#       ^                                          |                  |
#       `------------------release-----------------+------------------'
#
# Only in `owned` may a request begin; in `recalled`, those that have begun come to their end. A
# grant of all hosts makes all `owned`; its recall, or a worker that was away, makes them `none`.
Claim = Literal["none", "wanted", "asked", "owned", "recalled"]

FREE: Final = ""  # the host of items that wait for no host
_FEW: Final = 32  # items, up to which moving all of them costs no more than moving one


class Rules(msgspec.Struct, frozen=True):
    """See the settings of the same names."""

    per_host: int = 2
    delay_s: float = 0.2
    circuit_failures: int = 10
    circuit_s: float = 60.0
    is_owner: bool = False  # this worker owns all hosts for ever, as there is no broker


class Experience(Protocol):
    """What an item has learnt of its host."""

    @property
    def trouble(self) -> str:
        """Why the host could not be reached; "" if it was."""

    @property
    def rest_s(self) -> float | None:
        """The pause that it asked for."""

    @property
    def rest_why(self) -> str:
        """The status by which it asked for that."""

    @property
    def delay_s(self) -> float:
        """The least time between requests that it asks for."""

    @property
    def is_sent(self) -> bool:
        """False: the turn was not needed, as nothing was sent."""


class Report(msgspec.Struct, frozen=True, gc=False):
    """An experience as plain data; by default, that of a request that went well."""

    trouble: str = ""
    rest_s: float | None = None
    delay_s: float = 0.0
    rest_why: str = ""
    is_sent: bool = True


# Untracked by the garbage collector: a worker has ten thousands of hosts, and items know none.
class HostState(msgspec.Struct, Generic[Item], gc=False):
    """A host with its waiting items; times in seconds."""

    name: str
    claim: Claim
    # Most hosts have one item, or few: a list takes a tenth of a deque's memory and time to make.
    waiting: list[Item] | deque[Item] = msgspec.field(default_factory=list)
    active: int = 0
    next_at: float = 0.0  # no request before
    clock_at: float = 0.0  # its entry in the clock; 0: none
    last: Item | None = None  # the item that had the last turn, until it is done
    next_at_before: float = 0.0  # `next_at` before that turn
    next_at_after: float = 0.0  # `next_at` as that turn has set it
    delay_s: float = 0.0  # that the host asked for
    rest_until: float = 0.0  # the host asked for no requests until then
    rest_why: str = ""
    took_s: float = 0.0  # an item's time at the host, on average
    failures: int = 0  # in a row
    trouble: str = ""  # the last of them
    is_listed: bool = False  # in the queue of hosts that are ready, or in the clock
    ticket: int = 0  # of the last want
    number: int = 0  # its name in messages, see host_numbers; 0: not needed yet

    def push(self, item: Item, *, first: bool) -> None:
        """Let an item wait, behind or (`first`) before all others."""
        waiting = self.waiting
        if isinstance(waiting, list) and len(waiting) >= _FEW:
            waiting = self.waiting = deque(waiting)
        if first:
            waiting.insert(0, item)
        else:
            waiting.append(item)
