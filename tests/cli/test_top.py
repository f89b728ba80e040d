"""`fetcher top` shows an OUT, or asks an endpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.cli import top
from fetcher.errors import UnreachedError, UsageError
from fetcher.model import Outcome
from support import outs
from support.commands import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    rows = [outs.row(1), outs.row(2, Outcome.DNS)]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 3), rows)


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_without_a_terminal_one_snapshot_is_printed(out: Path, options: tuple[str, ...]) -> None:
    said = run("top", out, *options).stdout
    assert "2 of 3 lines (66.7 %)" in said
    assert "failed lately" in said


def test_a_directory_without_a_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no job was begun here"):
        run("top", tmp_path)
    with pytest.raises(UsageError, match="no such directory"):
        run("top", tmp_path / "none")


def test_an_endpoint_is_asked_and_not_taken_for_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top, "_ANSWER_S", 0.1)
    for endpoint in (f"ipc://{tmp_path}/v", "tcp://127.0.0.1:9"):
        with pytest.raises(UnreachedError, match=f"no ventilator answers at {endpoint}"):
            run("top", endpoint)


def test_a_path_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(UsageError, match="OUT"):
        run("top", "odd\udcff")
