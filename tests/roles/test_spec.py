"""What the processes of all roles have in common."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import Exit
from fetcher.frontier.rules import CrawlRules
from fetcher.roles import spec as roles
from fetcher.roles.spec import CHILD_DONE, RoleSpec, StopFlag
from fetcher.settings.schema import Settings

SPEC = RoleSpec(
    role="worker",
    name="w",
    settings=Settings(),
    ventilator="ipc:///v",
    sinks=("ipc:///s",),
    crawl=CrawlRules(deny=("x",)),
)


def test_a_spec_is_read_as_its_supervisor_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "spec").write_bytes(msgspec.json.encode(SPEC))
    assert roles.read_spec(str(tmp_path / "spec")) == SPEC


def test_the_spec_of_a_role_that_is_ready_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "spec"
    path.touch()
    spec = msgspec.structs.replace(SPEC, file=str(path))
    roles.tell_ready(spec)
    assert not path.exists()
    roles.tell_ready(spec)
    roles.tell_ready(SPEC)


def test_only_a_role_that_is_done_has_the_code_of_done() -> None:
    assert roles.child_code(Exit.DONE) == CHILD_DONE
    assert [roles.child_code(code) for code in Exit if code is not Exit.DONE] == [
        code for code in Exit if code is not Exit.DONE
    ]
    assert CHILD_DONE not in list(Exit)


def test_a_function_is_called_once() -> None:
    calls: list[int] = []
    call = roles.once(lambda: calls.append(1))
    for _ in range(3):
        call()
    assert calls == [1]


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The writing end of a pipe that stands for the parent's."""
    ours, theirs = os.pipe()
    monkeypatch.setattr(roles, "PARENT_FD", ours)
    yield theirs
    os.close(ours)
    with contextlib.suppress(OSError):  # the test may have closed it
        os.close(theirs)


def test_the_end_of_the_parent_stops_the_role(parent: int) -> None:
    began: list[int] = []
    flag = StopFlag(has_parent=True, began=lambda: began.append(1))
    assert began == []
    assert not flag
    assert not flag
    assert began == [1]
    os.close(parent)
    assert flag


def test_a_role_without_a_parent_does_not_look_at_its_input(parent: int) -> None:
    os.close(parent)
    assert not StopFlag(has_parent=False, began=lambda: None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_role(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        flag = StopFlag(has_parent=False, began=lambda: None)
        flag.listen()
        assert not flag
        signal.raise_signal(number)
        assert flag
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
