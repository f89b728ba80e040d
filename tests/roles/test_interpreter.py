"""Where a role's fresh interpreter finds the user's modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fetcher.roles import interpreter
from fetcher.settings.schema import Settings


def settings(section: str = "worker", **values: object) -> Settings:
    return msgspec.convert({section: values}, Settings)


OWN = settings(handler="my:function")


@pytest.mark.parametrize(
    ("section", "values", "is_own"),
    [
        ("worker", {}, False),
        ("worker", {"transport": "null"}, False),
        ("worker", {"handler": "my:function"}, True),
        ("worker", {"transport": "my:Fetcher"}, True),
        ("http", {"auth": "my:auth"}, True),
        ("http", {"login": "my:login"}, True),
    ],
)
def test_settings_may_name_code_of_the_user(
    section: str, values: dict[str, object], is_own: bool
) -> None:
    assert interpreter.names_own_code(settings(section, **values)) is is_own
    assert bool(interpreter.own_folders(settings(section, **values))) is is_own


def test_the_folders_are_those_of_this_process_and_the_current_one_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/lib", "relative", "/lib", "/odd\udcff"])
    assert interpreter.own_folders(OWN) == ("/lib", str(tmp_path / "relative"), str(tmp_path))


def test_other_folders_are_searched_after_those_of_the_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", ["/a", "/b"])
    interpreter.search_also(["/c", "/a"])
    assert sys.path == ["/a", "/b", "/c"]


def test_the_folder_of_the_started_file_is_not_searched_for_modules() -> None:
    assert interpreter.command("a.module", "x")[:2] == [sys.executable, "-P"]
    assert interpreter.command("a.module", "x")[-2:] == ["a.module", "x"]


def test_a_module_of_the_package_runs_whatever_the_current_folder_holds(tmp_path: Path) -> None:
    for name in ("fetcher", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")
    done = subprocess.run(
        interpreter.command("fetcher.rows.schema", "--markdown"),
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| key | value | meaning |")
