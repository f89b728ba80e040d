"""A worker notices the end of the process that started it."""

from __future__ import annotations

import os

import gevent
import pytest

from fetcher.roles.worker import parent_pipe


def test_the_wait_ends_when_the_parent_closes_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    monkeypatch.setattr(parent_pipe, "PARENT_FD", ours)
    waiting = gevent.spawn(parent_pipe.wait_for_parents_end)
    os.write(theirs, b"x")
    gevent.idle()
    gevent.idle()
    assert not waiting.ready(), "the parent lives"
    os.close(theirs)
    waiting.get(timeout=10)
    os.close(ours)
