"""Handlers as a user would name them in worker.handler."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent import monkey

from fetcher.fetch.requests_compat.handler_page import Page

_block_s = monkey.get_original("time", "sleep")
TITLE = re.compile(r"<title>(.*?)</title>")


def facts(page: Page) -> dict[str, Any]:
    """The facts of the page that it gets."""
    response = page.response
    return {
        "outcome": page.result.outcome,
        "body": None if page.body is None else len(page.body),
        "text": None if page.text is None else page.text[:20],
        "title": TITLE.findall(page.text or ""),
        "response": None if response is None else [response.status_code, response.url],
        "same": response is not None and response.content == (page.body or b""),
    }


def compute(page: Page) -> dict[str, bool]:
    """Blocks its worker's loop for a while, without the CPU time of a real computation."""
    _block_s(0.4)
    return {"fine": True}


def parent(_: Page) -> dict[str, str]:
    """The command line of the process that has started its worker."""
    return {"parent": Path(f"/proc/{os.getppid()}/cmdline").read_text("utf-8")}


def by_fragment(page: Page) -> Any:
    """Does what the URL's fragment says."""
    _, _, what = page.result.url.partition("#")
    return _DEEDS[what]() if what else {"fine": True}


def _loop() -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end:
        pass


def _compute() -> dict[str, bool]:
    _block_s(0.1)
    return {"computed": True}


def _swallow() -> None:
    with contextlib.suppress(Exception):
        _loop()


def _raise() -> None:
    raise LookupError("as asked\nfor")


def _leave() -> None:
    raise SystemExit(7)


def _wait() -> None:
    gevent.sleep(600)


def _late() -> dict[str, bool]:
    gevent.sleep(0.2)
    return {"late": True}


def _later() -> dict[str, bool]:
    gevent.sleep(2)
    return {"late": True}


def _own_timeout() -> None:
    with gevent.Timeout(0.05):
        gevent.sleep(600)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_DEEDS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "raise": _raise,
    "leave": _leave,
    "loop": _loop,
    "swallow": _swallow,
    "wait": _wait,
    "late": _late,
    "later": _later,
    "own-timeout": _own_timeout,
    "list": lambda: [1],
    "bytes": lambda: {"a": [b"x"]},
    "nan": lambda: {"a": float("nan")},
    "kill": _kill,
    "compute": _compute,
}

NO_FUNCTION = "a text"


def has_body(page: Page) -> dict[str, bool]:
    """Whether there is a body to work with."""
    return {"has_body": page.body is not None}
