"""Errors about a missing library name it and the command that installs it."""

from __future__ import annotations

import importlib.util
import shlex
import sys

import pytest

from fetcher import optional
from fetcher.errors import UsageError


@pytest.mark.parametrize("library", optional.REQUIREMENTS)
def test_a_hint_is_a_command_of_the_running_interpreter(library: str) -> None:
    said = str(optional.missing_library(library, needed_by="the thing"))
    assert said.startswith(f"the thing needs {library}; install it with: ")
    command = shlex.split(said.partition("install it with: ")[2])
    assert command == [sys.executable, "-m", "pip", "install", optional.REQUIREMENTS[library]]


def test_a_crawl_names_all_libraries_that_it_lacks_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    optional.require_crawl_libraries()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        optional.require_crawl_libraries()
    said = str(caught.value)
    assert said.startswith("fetcher crawl needs numpy and turbohtml; install them with: ")
    assert "\n" not in said


def test_a_crawl_names_only_the_library_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "numpy" else found(name)
    )
    with pytest.raises(UsageError, match=r"^`x` needs numpy; install it with: .*'numpy>=[0-9.]+'$"):
        optional.require_crawl_libraries("`x`")
