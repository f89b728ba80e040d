"""What all tests share."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

from support import jobs, role_forks
from support.browser import chromium
from tools.site.running import RunningSite

# A shell without job control starts what is in the background with Ctrl-C ignored, and programs
# inherit that: those that are tested must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start some thousand Python processes, and each worker of xdist imports all tests: without
# files of bytecode, each of them compiles everything again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Each process of a run holds all tests. To look for garbage among them again and again took half of
# the time of collecting them.
gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect garbage from now on, but never look at what the tests consist of."""
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("fetcher", deadline=None)
hypothesis.settings.load_profile("fetcher")


# A machine may stand still for seconds, and a test with processes or sockets fails then. It is run
# a second time, and the run shows its first failure (see CONTRIBUTING.md, "Rules").
_TRIED_AGAIN = {"api", "cli", "docs", "e2e", "engines", "fetch", "roles"}
_TRIED_AGAIN |= {"telemetry", "tools", "transport", "watch"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a second try to the tests that depend on the machine, but to no proof of the promise."""
    for item in items:
        room = item.path.relative_to(item.config.rootpath / "tests").parts[0]
        is_proof = item.get_closest_marker("promise") or item.get_closest_marker("slow")
        if room in _TRIED_AGAIN and not is_proof:
            item.add_marker(pytest.mark.flaky(reruns=1, reruns_delay=1))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their argument: packed ones hold the time, which changes their length.

    All processes of a run must give a test the same name, whenever they import its file.
    """
    return argname if isinstance(val, bytes) and len(val) >= 20 else None


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """Commands that print for pipes let SIGPIPE end their process; here that is pytest's own.

    A later test whose peer closes a connection would end it.
    """
    before = {each: signal.getsignal(each) for each in (signal.SIGPIPE, signal.SIGINT)}
    yield
    for each, handler in before.items():
        if signal.getsignal(each) is not handler:
            signal.signal(each, handler)


@pytest.fixture(scope="session")
def site() -> Iterator[RunningSite]:
    """The local web site, one for the whole run."""
    with RunningSite() as running:
        yield running


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Any]:
    """Start one browser for each test file, as a start takes a second of CPU time.

    It does not serve all files because of the event loop that `chromium` describes.
    """
    with chromium() as opened:
        yield opened


@pytest.fixture
def browser(_chromium: Any) -> Iterator[Any]:
    """A real browser, without a window; a test's pages are closed after it."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """For jobs of this very process: their environment, and where temporary directories go.

    At the end no file is left there, and no child that was not there before.
    """
    for name, value in jobs.ENV.items():
        if name.startswith("FETCHER_") or name == "PYTHONPATH":
            monkeypatch.setenv(name, value)
    for name, value in role_forks.variables(jobs.ENV).items():
        monkeypatch.setenv(name, value)
    for module in role_forks.SUPERVISION:
        monkeypatch.setattr(f"{module}.subprocess", role_forks.subprocesses())
    before = set(psutil.Process().children(recursive=True))
    path = tmp_path / "tmp"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    left = [child for child in psutil.Process().children(recursive=True) if child not in before]
    assert not left, "processes are left"
    assert not list(path.iterdir()), "temporary files are left"
