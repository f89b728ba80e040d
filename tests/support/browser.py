"""A real browser without a window, where one is installed; and a real terminal without one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyte
import pytest

from support import jobs
from support.waiting import wait_until

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Playwright's Chromium. Skips the test where there is none.

    Until its end this thread has a running event loop: no test with asyncio may run meanwhile.
    """
    api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(_NAMES)} is installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path)
        try:
            yield opened
        finally:
            opened.close()


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, *arguments: object, columns: int, lines: int) -> None:
        self._master, slave = pty.openpty()
        self._before = termios.tcgetattr(slave)
        self._slave = slave
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.resize(columns, lines)
        env = {name: text for name, text in jobs.ENV.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            jobs.command(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=jobs.ROOT,
            env={**env, "TERM": "xterm-256color"},
            start_new_session=True,
        )

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def lines(self) -> list[str]:
        """The text on the screen now."""
        while select.select([self._master], [], [], 0.05)[0]:
            data = os.read(self._master, 1 << 16)
            self.raw += data
            self._stream.feed(data)
        return [line.rstrip() for line in self._screen.display]

    def until(self, condition: Callable[[str], object], what: str) -> list[str]:
        """The lines, once all of them together meet the condition."""
        wait_until(lambda: condition("\n".join(self.lines())), 60, what)
        return self.lines()

    def end(self) -> int:
        """Its exit code."""
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            self.lines()
        self.lines()
        return self.process.wait(0.1)

    @property
    def is_as_before(self) -> bool:
        """Whether keys are taken as they were."""
        return termios.tcgetattr(self._slave) == self._before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@contextlib.contextmanager
def terminal(*arguments: object, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """The program does not outlive the block."""
    opened = Terminal(*arguments, columns=columns, lines=lines)
    try:
        yield opened
    finally:
        opened.close()
