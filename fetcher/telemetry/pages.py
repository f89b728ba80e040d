"""The answers of a role's port: /metrics, /healthz and /livez.

They depend on the snapshot alone. A role that waits for another one, or for room on its disk, fails
/healthz; starting it again would not help. /livez fails only when its loop stands still.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from fetcher.telemetry.exposition import CONTENT_TYPE, Exposition
from fetcher.telemetry.numbers import AnyNumbers
from fetcher.telemetry.snapshot import Snapshot

_STUCK_S: Final = 10.0  # a running loop replaces its numbers twice a second


class Page(NamedTuple):
    """An answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Health(msgspec.Struct, frozen=True):
    """The body of /healthz."""

    status: str  # ok or failing
    role: str
    name: str
    reasons: list[str]  # why it is failing
    turned_s_ago: float  # since the role's loop last ran


def health(
    numbers: AnyNumbers | None, turned_s_ago: float, role: str, name: str
) -> tuple[bool, Health]:
    """Whether the role is healthy, and the body that says so."""
    reasons = [numbers.trouble] if numbers is not None and numbers.trouble else []
    if turned_s_ago > _STUCK_S:
        reasons.append(f"its loop has not turned for {turned_s_ago:.0f} s")
    status = "failing" if reasons else "ok"
    return not reasons, Health(status, role, name, reasons, round(turned_s_ago, 3))


class Pages:
    """The pages of one role."""

    def __init__(self, snapshot: Snapshot[Any], role: str, name: str) -> None:
        self._snapshot = snapshot
        self._exposition = Exposition(snapshot, role)
        self._role = role
        self._name = name

    def answer(self, path: str) -> Page:
        """The page at a path; a query is ignored."""
        match path.partition("?")[0]:
            case "/metrics":
                return Page(HTTPStatus.OK, CONTENT_TYPE, self._exposition.page())
            case "/healthz":
                return self._health()
            case "/livez":
                return self._health(is_loop_all=True)
            case _:
                text = b"here are /metrics, /healthz and /livez\n"
                return Page(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", text)

    def _health(self, *, is_loop_all: bool = False) -> Page:
        """`is_loop_all`: only the loop counts, not what the role itself reports."""
        numbers, turned_at = self._snapshot.latest()
        if is_loop_all:
            numbers = None
        is_well, said = health(numbers, time.monotonic() - turned_at, self._role, self._name)
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return Page(status, "application/json", msgspec.json.encode(said) + b"\n")
