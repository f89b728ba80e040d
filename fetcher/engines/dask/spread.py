"""Decides which workers of Dask get how many of the slots that wait: pure."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping


def spread(slots: int, free: Mapping[str, int]) -> dict[str, int]:
    """Return the number of slots for each address, one after the other where most is free.

    `free`: how many each can run. What has no room is left out.
    """
    given: Counter[str] = Counter()
    heap = [(-room, address) for address, room in free.items() if room > 0]
    heapq.heapify(heap)
    for _ in range(slots):
        if not heap:
            break
        room, address = heap[0]
        given[address] += 1
        if room + 1:
            heapq.heapreplace(heap, (room + 1, address))
        else:
            heapq.heappop(heap)
    return dict(given)
