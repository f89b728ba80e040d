"""What runs in the executors of Spark: a task that serves one slot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fetcher.engines.slot import serve
from fetcher.roles import interpreter


def order(ticket: dict[str, Any], secrets: str, folders: Sequence[str]) -> str:
    """Return the data of a task. `folders`: where the user's modules may be, on this host."""
    return json.dumps([ticket, secrets, list(folders)])


def run(orders: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Serve the slots of one partition; returns their results."""
    for text in orders:
        ticket, secrets, folders = json.loads(text)
        interpreter.search_also(folders)
        yield serve(ticket, secrets=secrets)
