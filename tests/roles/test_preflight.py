"""The user's code and files are tried before a job begins."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import ConfigError
from fetcher.roles.preflight import require_own_code
from fetcher.settings.schema import Settings


def settings(section: str, **values: object) -> Settings:
    return msgspec.convert({section: values}, Settings)


def test_nothing_is_tried_where_there_is_nothing_of_the_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(subprocess.Popen, "__init__")  # starts a process
    require_own_code(Settings())


def test_code_that_cannot_be_imported_is_named_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^http.auth = 'json:nothing': AttributeError"):
        require_own_code(settings("http", auth="json:nothing"))
    with pytest.raises(ConfigError, match=r"^http.login = 'json:nothing': AttributeError"):
        require_own_code(settings("http", login="json:nothing"))
    with pytest.raises(ConfigError, match=r"^http.login = 'string:digits': is not a function"):
        require_own_code(settings("http", login="string:digits"))
    path = tmp_path / "cookies.txt"
    with pytest.raises(ConfigError, match=f"^http.cookies_file: {path}: No such file"):
        require_own_code(settings("http", cookies_file=str(path)))
    with pytest.raises(ConfigError, match=r"^worker.handler = 'json:dump2': AttributeError"):
        require_own_code(settings("worker", handler="json:dump2"))


def test_what_a_module_does_to_its_process_is_for_the_workers_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dying.py").write_text("import os\nprint('x', flush=True)\nos._exit(2)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    require_own_code(settings("worker", handler="dying:f"))
