"""A job begins with its input checked, and with pipes and URLs copied to OUT."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fetcher.cli.starting import require_ready, start
from fetcher.errors import ConfigError, ConflictError, InputError, UsageError
from fetcher.settings import load
from fetcher.settings.load import Loaded
from support import outs


def given(**overrides: tuple[Any, str]) -> Loaded:
    named = {key.replace("__", "."): value for key, value in overrides.items()}
    return load.load(environ={}, overrides=named)


class Runs:
    """Notes what would be run."""

    def __init__(self) -> None:
        self.seen: list[tuple[Path, Loaded, str]] = []

    def __call__(self, path: Path, loaded: Loaded, name: str) -> None:
        self.seen.append((path, loaded, name))


def started(
    what: Path | list[str], out: Path, loaded: Loaded | None = None
) -> tuple[Path, Loaded, str]:
    runs = Runs()
    start(what, out, loaded or given(), runs)
    (seen,) = runs.seen
    return seen


def test_a_file_is_run_as_it_is(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    assert started(urls, tmp_path / "out") == (urls, given(), "")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_missing_and_other_settings_than_before_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        started(tmp_path / "none.txt", tmp_path / "out")
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    out = outs.make_out(tmp_path / "out", urls, [outs.row(1)])
    with pytest.raises(ConflictError, match=r"begun with output\.bodies"):
        started(urls, out, given(output__bodies=("files", "--bodies")))


def test_urls_of_the_command_line_are_copied_as_a_list(tmp_path: Path) -> None:
    urls = ["http://a.test/ä", "http://b.test/"]
    path, loaded, name = started(urls, tmp_path / "out", given(input__format=("jsonl", "x.toml")))
    assert path.parent == tmp_path / "out"
    assert path.read_text("utf-8").splitlines() == urls
    assert (loaded.settings.input.format, name) == ("text", "2 URLs of the command line")
    assert started(urls, tmp_path / "out")[0] == path, "the same again resumes"
    with pytest.raises(ConflictError):
        started(urls[:1], tmp_path / "out")


def test_urls_that_cannot_be_fetched_and_columns_are_refused_before_out_is_made(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="no scheme"):
        started(["http://a.test/", "b.test"], tmp_path / "out")
    with pytest.raises(UsageError, match=r"^--column: is for CSV files; URLs of the command line"):
        started(["http://a.test/"], tmp_path / "out", given(input__url_column=("link", "--column")))
    assert not (tmp_path / "out").exists()


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_copied_to_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    data = pack(b"http://a.test/\n")
    stdin(monkeypatch, data)
    path, _, name = started(Path("-"), tmp_path / "out")
    assert (path.read_bytes(), name) == (data, "standard input")


def test_a_named_pipe_is_copied_too(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"http://a.test/\n" * 3,))
    writer.start()
    path, _, name = started(fifo, tmp_path / "out")
    writer.join(60)
    assert (path.read_bytes().count(b"\n"), name) == (3, str(fifo))


def test_an_empty_pipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"")
    with pytest.raises(InputError, match=r"^standard input: is empty; it should hold URLs"):
        started(Path("-"), tmp_path / "out")


def test_a_pipe_without_urls_is_forgotten_so_that_the_right_one_may_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin(monkeypatch, b"# nothing\n\n")
    with pytest.raises(UsageError):
        started(Path("-"), tmp_path / "out")
    stdin(monkeypatch, b"http://a.test/\n")
    assert started(Path("-"), tmp_path / "out")[0].read_bytes() == b"http://a.test/\n"


def test_what_needs_no_input_is_checked_first(tmp_path: Path) -> None:
    require_ready(given().settings)
    wrong = given(http__ca_file=(str(tmp_path / "none.pem"), "--set"))
    with pytest.raises(ConfigError, match=r"http\.ca_file"):
        require_ready(wrong.settings)
