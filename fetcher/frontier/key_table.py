"""Numbers keys from 1 on, in the order in which they are added, and finds the number of a key.

Exact. Open addressing with double hashing: a table of 32-bit numbers (0: empty) refers to the array
of keys. The table's size is a prime, so each key's probes reach every slot. The keys must be the
results of a hash. A key costs 8 bytes a word and up to 6 % more, and 5 to 7.5 bytes of table; a
table of up to 4 MiB is sparser than that, as each probe of a slot that is taken costs time.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]  # shape (n, words)
Numbers = npt.NDArray[np.uint32]

_LOAD: Final = 0.8  # at most
_GROWTH: Final = {1: 1.5, 2: 1.25}  # of the table, by words: each key within 24 bytes
_SPARSE_SLOTS: Final = 1 << 20  # a smaller table has a lower load, whatever it takes for a key
_SPARSE_LOAD: Final = 0.2
_SPARSE_GROWTH: Final = 2.0
_MIN_SLOTS: Final = 1009
_MAX_ROOM: Final = 1 << 20  # keys for which memory is taken in advance
_FEW: Final = 48  # keys that are looked up one by one sooner than together
_VERY_FEW: Final = 12  # those that are never looked up together
_REBUILT: Final = 1 << 18  # keys inserted at once: the scratch arrays stay small


class KeyTable:
    """Grows only; `add` takes new keys alone."""

    def __init__(self, words: int) -> None:
        """`words`: of 64 bits, of each key; 1 or 2."""
        self._words = words
        self._keys = np.zeros((0, words), dtype=np.uint64)
        self._count = 0
        self._table = np.zeros(_MIN_SLOTS, dtype=np.uint32)

    def __len__(self) -> int:
        return self._count

    @property
    def memory_bytes(self) -> int:
        """The memory taken, with what is taken in advance."""
        return self._keys.nbytes + self._table.nbytes

    def numbers_of(self, keys: Keys) -> Numbers:
        """The number of each key, 0 where it is unknown."""
        if not self._count:
            return np.zeros(len(keys), dtype=np.uint32)
        if len(keys) <= _VERY_FEW:
            return np.array(self._each(keys.tolist()), dtype=np.uint32)
        slots = self._first_slots(keys)
        found = self._table.take(slots)
        asked = self._others(keys, found)
        if len(asked):  # most keys are found without a step
            keys = keys[asked]
            steps = self._steps(keys)
            slots = self._next(slots[asked], steps)
            while len(asked) > _FEW:
                numbers = self._table.take(slots)
                found[asked] = numbers
                rest = self._others(keys, numbers)
                asked, keys, steps = asked[rest], keys[rest], steps[rest]
                slots = self._next(slots[rest], steps)
            found[asked] = self._walked(slots.tolist(), steps.tolist(), keys.tolist())
        return found

    def _others(self, keys: Keys, numbers: Numbers) -> npt.NDArray[np.intp]:
        """The indices of those keys at whose slots are the numbers of other keys."""
        # An empty slot reads the last key, whatever it is.
        are_other = self._keys.take(numbers.astype(np.intp) - 1, axis=0) != keys
        goes_on = are_other[:, 0] | are_other[:, -1]
        others: npt.NDArray[np.intp] = (goes_on & (numbers != 0)).nonzero()[0]
        return others

    def _each(self, keys: list[list[int]]) -> list[int]:
        """The numbers of few keys, without numpy."""
        size = len(self._table)
        others = [key[1] if self._words > 1 else key[0] // size for key in keys]
        slots = [key[0] % size for key in keys]
        return self._walked(slots, [other % (size - 1) + 1 for other in others], keys)

    def _walked(self, slots: list[int], steps: list[int], wanted: list[list[int]]) -> list[int]:
        """The numbers of few keys, one by one, from their slots on."""
        table, keys, size = self._table.data, self._keys.data, len(self._table)
        last = self._words - 1
        found = []
        for begin, step, key in zip(slots, steps, wanted, strict=True):
            slot = begin
            while (number := table[slot]) and (
                keys[number - 1, 0] != key[0] or keys[number - 1, last] != key[last]
            ):
                slot = (slot + step) % size
            found.append(number)
        return found

    def add(self, keys: Keys) -> None:
        """Append these keys, all different and none in the set, as the next numbers."""
        before = self._count
        self._reserve(before + len(keys))
        self._keys[before : before + len(keys)] = keys
        self._count = before + len(keys)
        slots = len(self._table)
        if self._count > slots * (_LOAD if slots >= _SPARSE_SLOTS else _SPARSE_LOAD):
            self._rebuild()
        else:
            self._insert(before, self._count)

    def expect(self, count: int) -> None:
        """Make room for `count` keys at once, before the first is added."""
        self._reserve(count)
        self._table = np.zeros(_slots_for(count, self._words), dtype=np.uint32)

    def _reserve(self, count: int) -> None:
        room = len(self._keys)
        if count <= room:
            return
        new_room = max(count, room + min(max(room // 16, 1024), _MAX_ROOM))
        # In place, by realloc: a big array keeps its pages, so that no copy doubles the memory.
        self._keys.resize((new_room, self._words), refcheck=False)

    def _rebuild(self) -> None:
        slots = _slots_for(self._count, self._words)
        self._table = np.zeros(0, dtype=np.uint32)  # frees the old one first
        self._table = np.zeros(slots, dtype=np.uint32)
        for first in range(0, self._count, _REBUILT):
            self._insert(first, min(first + _REBUILT, self._count))

    def _insert(self, first: int, end: int) -> None:
        numbers = np.arange(first + 1, end + 1, dtype=np.uint32)
        slots = self._first_slots(self._keys[first:end])
        steps: npt.NDArray[np.int64] | None = None
        while len(numbers):
            free = (self._table[slots] == 0).nonzero()[0]
            # Of several keys for one slot the last one stays, and the others go on.
            self._table[slots[free]] = numbers[free]
            go_on = (self._table[slots] != numbers).nonzero()[0]
            numbers = numbers[go_on]
            steps = self._steps(self._keys[numbers - 1]) if steps is None else steps[go_on]
            slots = self._next(slots[go_on], steps)

    def _first_slots(self, keys: Keys) -> npt.NDArray[np.int64]:
        return _remainders(keys[:, 0], len(self._table))

    def _steps(self, keys: Keys) -> npt.NDArray[np.int64]:
        """From a slot of each key to its next one: 1 to size - 1."""
        size = len(self._table)
        others = keys[:, 1] if self._words > 1 else keys[:, 0] // np.uint64(size)
        return _remainders(others, size - 1) + 1

    def _next(
        self, slots: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        slots = slots + steps
        # Without a sign, what is below 0 is more than any slot.
        wrapped = (slots - len(self._table)).view(np.uint64)
        return np.minimum(slots.view(np.uint64), wrapped).view(np.int64)


def _remainders(numbers: npt.NDArray[np.uint64], divisor: int) -> npt.NDArray[np.int64]:
    """As `numbers % divisor`, in half the time: numpy divides by a constant quickly."""
    size = np.uint64(divisor)
    return (numbers - numbers // size * size).view(np.int64)


def _slots_for(count: int, words: int) -> int:
    """The slots of a table that has room to grow beyond `count` keys."""
    dense = math.ceil(count / _LOAD * _GROWTH[words])
    sparse = min(math.ceil(count / _SPARSE_LOAD * _SPARSE_GROWTH), _SPARSE_SLOTS)
    return _prime_from(max(_MIN_SLOTS, dense, sparse))


def _prime_from(number: int) -> int:
    """The first prime that is not smaller."""
    number |= 1
    while not _is_prime(number):
        number += 2
    return number


def _is_prime(number: int) -> bool:
    """Whether an odd number of at least 9 is a prime."""
    return bool(np.all(number % np.arange(3, math.isqrt(number) + 1, 2) != 0))
