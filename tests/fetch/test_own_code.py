"""The user's own code is loaded, or the setting says what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import ConfigError
from fetcher.fetch import own_code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def test_the_named_object_is_returned(folder: Path) -> None:
    (folder / "own_one.py").write_text("value = [7]\n")
    assert own_code.load("http.auth", "own_one:value") == [7]


def test_a_module_that_is_missing_says_where_to_put_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError) as caught:
        own_code.load("http.auth", "own_gone.inner:f")
    said = str(caught.value)
    assert said.startswith("http.auth = 'own_gone.inner:f': ModuleNotFoundError: ")
    assert "; put own_gone.py in the folder in which fetcher is started, or install it" in said
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    with pytest.raises(ConfigError, match=r"PYTHONSAFEPATH keeps the current folder out"):
        own_code.load("http.auth", "own_gone:f")


def test_an_import_that_fails_within_the_module_gives_no_advice_about_its_folder(
    folder: Path,
) -> None:
    (folder / "own_two.py").write_text("import own_missing_library\n")
    with pytest.raises(ConfigError, match=r"No module named 'own_missing_library'$"):
        own_code.load("worker.handler", "own_two:f")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('a\\nb')\n", "ValueError: a b"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("def f(\n", "SyntaxError"),
    ],
)
def test_whatever_the_module_does_is_an_error_of_its_setting(
    folder: Path, source: str, said: str
) -> None:
    name = f"own_three_{abs(hash(source))}"
    (folder / f"{name}.py").write_text(source)
    with pytest.raises(ConfigError, match=rf"^worker.handler = '{name}:f': {said}"):
        own_code.load("worker.handler", f"{name}:f")


def test_a_name_that_is_missing_says_where_the_module_was_found(folder: Path) -> None:
    (folder / "own_four.py").write_text("")
    path = folder / "own_four.py"
    with pytest.raises(ConfigError, match=rf"AttributeError: .* \(it was found at {path}\)$"):
        own_code.load("worker.handler", "own_four:f")
