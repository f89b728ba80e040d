"""The terminal of `fetcher top`: reads keys, redraws, and restores the terminal at the end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec
from rich.console import Console, RenderableType
from rich.live import Live as Screen

from fetcher.errors import UnreachedError
from fetcher.humanize import duration
from fetcher.watch.client import HOSTS_S
from fetcher.watch.terminal.screen import screen
from fetcher.watch.terminal.view import Look, View

_EVERY_S: Final = 1.0
_TURN_S: Final = 0.2  # after which a new size of the terminal is seen
_MOST_RATES: Final = 500
_QUIT: Final = frozenset({"q", "Q", "\x03", "\x04"})  # Ctrl-C and Ctrl-D, where they come as keys
_HINT: Final = "q: quit"


def once(look: Look, console: Console) -> None:
    """One snapshot, as long as it is. Raises FetcherError."""
    view = look()
    until = time.monotonic() + HOSTS_S
    # Workers send what they know of hosts once they have heard that somebody watches.
    while view.job.in_flight and not view.job.hosts and time.monotonic() < until:
        time.sleep(_TURN_S)
        view = look()
    console.print(screen(view, view.rates, console.width, None))


class Watch:
    """The view now and the rates before it. Keeps the last view when the ventilator is gone."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.view = look()
        self.rates: deque[float] = deque(self.view.rates, maxlen=_MOST_RATES)
        self._heard_at = time.monotonic()

    def again(self) -> None:
        """Look again. Raises FetcherError, except where the ventilator does not answer."""
        if self.view.job.is_over:
            return
        try:
            self.view = self._look()
        except UnreachedError:
            silent_s = time.monotonic() - self._heard_at
            said = f"no answer for {duration(silent_s)}: what is below is old"
            job = msgspec.structs.replace(self.view.job, phase="no answer", trouble=said)
            self.view = msgspec.structs.replace(self.view, job=job)
            return
        self._heard_at = time.monotonic()
        self.rates.append(self.view.job.rate_per_s or 0.0)


def run(look: Look, console: Console) -> None:
    """Show the job until q or Ctrl-C. Raises FetcherError."""
    watch = Watch(look)  # before the screen is taken, so that an error at the start stays visible
    with (
        contextlib.suppress(KeyboardInterrupt),
        _as_interrupt(signal.SIGTERM, signal.SIGHUP),
        _keys() as keys,
        Screen(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as shown,
    ):
        size, drawn_at = console.size, 0.0
        while True:
            now = time.monotonic()
            if now - drawn_at >= _EVERY_S or console.size != size:
                if drawn_at and now - drawn_at >= _EVERY_S:
                    watch.again()
                size, drawn_at = console.size, now
                shown.update(_frame(watch.view, watch, console), refresh=True)
            if _pressed(keys, _TURN_S):
                return


def _frame(view: View, watch: Watch, console: Console) -> RenderableType:
    return screen(view, list(watch.rates), console.width, console.height, _HINT)


@contextlib.contextmanager
def _as_interrupt(*numbers: signal.Signals) -> Iterator[None]:
    """These signals raise KeyboardInterrupt, so that the terminal is restored."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _keys() -> Iterator[int | None]:
    """Keys come one by one and without echo, where standard input is a terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        tty.setcbreak(fd)
        yield fd
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _pressed(keys: int | None, timeout_s: float) -> bool:
    """Whether a key to leave was pressed, or the terminal is gone."""
    if keys is None:
        time.sleep(timeout_s)
        return False
    readable, _, _ = select.select([keys], [], [], timeout_s)
    if not readable:
        return False
    typed = os.read(keys, 64).decode("utf-8", "replace")
    return not typed or bool(_QUIT & set(typed))
