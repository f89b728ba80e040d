"""What `fetcher top` looks at, and when; its screen is shown by tests/e2e/test_live.py."""

from __future__ import annotations

import io
import os
import pty
import signal
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from rich.console import Console

from fetcher.errors import UnreachedError
from fetcher.protocol.messages import HostLoad
from fetcher.protocol.totals import Totals
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal import full_screen
from fetcher.watch.terminal.full_screen import Watch, _as_interrupt, _pressed, once
from fetcher.watch.terminal.view import View

JOB = JobView(
    job="j",
    phase="running",
    rows=5,
    url_lines=9,
    url_lines_exact=True,
    rate_per_s=2.0,
    left_s=None,
    left_is_least=False,
    totals=Totals(5, {"ok": 5}, {200: 5}),
)


def view(**changed: object) -> View:
    return View("urls.txt", replace(JOB, **changed), rates=(7.0,))


def looks(*views: View | Exception) -> Callable[[], View]:
    """Each look, and then the last one again and again."""
    left = list(views)

    def look() -> View:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return look


def printed(look: Callable[[], View]) -> str:
    file = io.StringIO()
    once(look, Console(file=file, width=80))
    return file.getvalue()


def test_a_snapshot_without_lines_in_flight_is_printed_at_once() -> None:
    assert "5 of 9 lines" in printed(looks(view(in_flight=0), UnreachedError()))


def test_a_snapshot_waits_until_the_workers_have_said_their_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(full_screen, "_TURN_S", 0.0)
    hosts = [HostLoad("h.test", 1, 0, 0)]
    assert "h.test" in printed(looks(view(in_flight=1), view(in_flight=1, hosts=hosts)))


def test_the_rates_before_the_first_look_come_first() -> None:
    watch = Watch(looks(view(), view(rate_per_s=3.0), view(rate_per_s=None)))
    watch.again()
    watch.again()
    assert list(watch.rates) == [7.0, 3.0, 0.0]


def test_a_job_that_is_over_is_not_looked_at_again() -> None:
    watch = Watch(looks(view(phase="complete"), UnreachedError()))
    watch.again()
    assert watch.view.job.phase == "complete"


def test_the_last_view_stays_when_the_ventilator_is_gone_and_says_so() -> None:
    watch = Watch(looks(view(), UnreachedError(), UnreachedError(), view(rows=6)))
    for _ in range(2):
        watch.again()
        assert (watch.view.job.phase, watch.view.job.rows) == ("no answer", 5)
        assert watch.view.job.trouble == "no answer for 0 s: what is below is old"
    watch.again()
    assert (watch.view.job.phase, watch.view.job.rows, watch.view.job.trouble) == ("running", 6, "")


@pytest.fixture
def keys() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe of keys."""
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("typed", "leaves"),
    [(b"q", True), (b"Q", True), (b"abcq", True), (b"\x03", True), (b"\x04", True), (b"x", False)],
)
def test_some_keys_leave(keys: tuple[int, int], typed: bytes, leaves: bool) -> None:
    os.write(keys[1], typed)
    assert _pressed(keys[0], 60) == leaves


def test_without_a_key_nothing_leaves(keys: tuple[int, int]) -> None:
    assert not _pressed(keys[0], 0)
    assert not _pressed(None, 0)


def test_a_terminal_that_is_gone_leaves() -> None:
    read, write = os.pipe()
    os.close(write)
    assert _pressed(read, 60)
    os.close(read)


def test_signals_interrupt_within_the_block_alone() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt), _as_interrupt(signal.SIGHUP):
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == before


def test_keys_come_one_by_one_and_the_terminal_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        before = termios.tcgetattr(theirs)
        with full_screen._keys() as fd:
            assert fd == theirs
            assert not termios.tcgetattr(theirs)[3] & (termios.ICANON | termios.ECHO)
        assert termios.tcgetattr(theirs) == before
    os.close(ours)


def test_no_keys_are_read_where_standard_input_is_not_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with full_screen._keys() as fd:
        assert fd is None
