"""Asks a running job's ventilator how it gets on.

This module only listens and asks: nothing that it sends changes the job.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import stat
import time
from pathlib import Path
from typing import Final, NamedTuple, Self

import zmq

from fetcher.errors import FetcherError, UnreachedError
from fetcher.protocol import messages
from fetcher.security import role_policy
from fetcher.stop_signals import held_back
from fetcher.store.lock import note_of
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, send
from fetcher.watch.job_view import JobView, from_roster

log = logging.getLogger(__name__)

ANSWER_S: Final = 1.5  # that a ventilator of this host may take; it says its state twice a second
_TURN_MS: Final = 100
HOSTS_S: Final = 2.0  # until workers have said which hosts are busy


class Watcher:
    """Asks the ventilator at one endpoint, again and again.

    `keys`: the folder of a worker's key; "": no key. Raises UsageError for unusable keys.
    """

    def __init__(self, endpoint: str, keys: str) -> None:
        self._endpoint = endpoint
        self._security = role_policy.of_supervisor(keys, log.warning)
        self._context = zmq.Context()
        try:
            # Ctrl-C between a socket's creation and its assignment would leave a socket that
            # nobody closes, and the end of the context would wait for it for ever.
            with held_back(signal.SIGINT):
                opened = functools.partial(open_socket, self._context, security=self._security)
                addresses = endpoints_of(endpoint, ())
                self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
                self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._security.close()
        self._context.destroy(linger=0)

    def look(self, within_s: float) -> JobView:
        """The job now. Raises UnreachedError, and UsageError where our key is refused."""
        state, roster = self._ask(within_s)
        if state is None or roster is None:
            raise UnreachedError(
                f"no ventilator answers at {self._endpoint} within {within_s:g} s; it has ended, "
                "is elsewhere, or cannot be reached from here"
            )
        return from_roster(state, roster)

    def _ask(self, within_s: float) -> tuple[messages.State | None, messages.Roster | None]:
        state, roster = None, None
        until = time.monotonic() + within_s
        while time.monotonic() < until and (state is None or roster is None):
            self._security.check()
            send(self._events, messages.Look())
            self._control.poll(_TURN_MS)
            while received := receive(self._control):
                if isinstance(received[0], messages.State):
                    state = received[0]
                elif isinstance(received[0], messages.Roster):
                    roster = received[0]
        return state, roster


def look(endpoint: str, within_s: float, keys: str) -> JobView:
    """The job of the ventilator at this endpoint. Raises UnreachedError, UsageError."""
    until = time.monotonic() + HOSTS_S
    with Watcher(endpoint, keys) as watcher:
        job = watcher.look(within_s)
        # Workers send what they know of hosts once they have heard that somebody watches.
        while job.parked and not job.hosts and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(_TURN_MS / 1000, left_s))
            job = watcher.look(within_s)
        return job


class Near(NamedTuple):
    """How to ask a ventilator of this host: its endpoint, and the folder of keys; "": none."""

    endpoint: str
    keys: str = ""


def near(out: Path) -> Near | None:
    """The ventilator on this host whose job is in OUT; None: none is known."""
    # The lock file may hold anything.
    endpoint, _, keys = (note_of(out) or "").partition(" ")
    if endpoint.startswith("ipc:") and not keys:
        return Near(endpoint)
    if endpoint.startswith("tcp:") and _is_own(Path(keys)):
        return Near(endpoint, keys)
    return None


def _is_own(folder: Path) -> bool:
    """Whether only this user can have made the folder, so that its keys are to be trusted."""
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    is_private = stat.S_IMODE(found.st_mode) == 0o700
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and is_private


def near_look(out: Path) -> JobView | None:
    """The job in OUT as its ventilator on this host sees it; None where none answers."""
    found = near(out)
    try:
        return look(found.endpoint, ANSWER_S, found.keys) if found else None
    except FetcherError:  # it does not answer, or its keys are just being removed
        return None
