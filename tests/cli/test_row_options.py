"""Commands that print rows end silently when their reader leaves."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from fetcher.cli.row_options import stdout_of_filter


def test_a_closed_pipe_and_ctrl_c_end_the_process_by_its_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", made)
    assert stdout_of_filter() is made.buffer
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
