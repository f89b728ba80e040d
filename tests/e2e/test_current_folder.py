"""Files in the current folder never replace installed modules; the user's modules are found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from support import jobs
from tools.site.running import RunningSite

PROGRAM = Path(sys.executable).with_name("fetcher")
# As a shell has it: nothing but the installation says where fetcher is.
ENV = {name: value for name, value in jobs.ENV.items() if name != "PYTHONPATH"}
BROKEN = "raise RuntimeError('the file of the current folder was imported')\n"
STANDARD = ("http.py", "ssl.py", "queue.py")
HANDLER = "def title(page):\n    return {'of': page.result.line}\n"
SCRIPT = """
from fetcher.api import fetch
for row in fetch(["http://test.invalid/1"], settings={settings}):
    print(row.outcome.value, row.extra)
"""
NULL = {"worker.transport": "null", "worker.processes": 1}


def folder(path: Path, *names: str) -> Path:
    """A folder that holds these; `fetcher/` as the parent folder of a clone has it."""
    path.mkdir()
    for name in names:
        if name.endswith("/"):
            (path / name).mkdir()
            (path / name / "setup.cfg").write_text("")
        else:
            (path / name).write_text(BROKEN)
    return path


def run(
    where: Path, *command: str, options: Mapping[str, object] = NULL, env: Mapping[str, str] = ENV
) -> subprocess.CompletedProcess[str]:
    urls = jobs.write_urls(where.parent / "urls.txt", ["http://test.invalid/1"])
    settings = [f"--set={key}={value}" for key, value in options.items()]
    return subprocess.run(
        [*command, "run", urls, "-o", where.parent / "out", *settings],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def extra_of_the_row(where: Path) -> object:
    (row,) = (where.parent / "out/results/part-00000.jsonl").read_bytes().splitlines()
    return json.loads(row).get("extra")


@pytest.mark.skipif(not PROGRAM.exists(), reason="fetcher is not installed here")
@pytest.mark.parametrize("names", [("fetcher/",), ("fetcher.py",), STANDARD])
def test_the_command_runs_in_a_folder_with_such_names(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    where = folder(tmp_path / "here", *names)
    done = run(where, str(PROGRAM))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not PROGRAM.exists(), reason="fetcher is not installed here")
def test_get_runs_nothing_of_the_current_folder(site: RunningSite, tmp_path: Path) -> None:
    names = ("fetcher.py", "json.py", "signal.py", "gevent.py", *STANDARD)
    done = subprocess.run(
        [str(PROGRAM), "get", site.url("/bytes/10"), "--own-servers"],
        cwd=folder(tmp_path / "here", *names),
        env=ENV,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_python_m_runs_in_a_folder_with_names_of_the_standard_library(tmp_path: Path) -> None:
    done = run(folder(tmp_path / "here", *STANDARD), sys.executable, "-m", "fetcher")
    assert done.returncode == 0, done.stderr


def test_a_copy_that_is_not_installed_starts_its_own_children(tmp_path: Path) -> None:
    where = folder(tmp_path / "here")
    (where / "fetcher").symlink_to(jobs.ROOT / "fetcher")
    done = run(where, sys.executable, "-m", "fetcher")
    assert done.returncode == 0, done.stderr


def by_command(where: Path, setting: str, env: Mapping[str, str]) -> object:
    done = run(
        where, sys.executable, "-m", "fetcher", options={**NULL, **setting_of(setting)}, env=env
    )
    assert done.returncode == 0, done.stderr
    return extra_of_the_row(where)


def by_api(where: Path, setting: str, env: Mapping[str, str]) -> object:
    (where.parent / "elsewhere").mkdir()
    path = where.parent / "elsewhere" / "script.py"
    path.write_text(SCRIPT.format(settings={**NULL, **setting_of(setting)}))
    done = subprocess.run(
        [sys.executable, path],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome, _, extra = done.stdout.strip().partition(" ")
    assert outcome == "ok"
    return None if extra == "UNSET" else json.loads(extra.replace("'", '"'))


def test_the_file_of_a_wrong_module_of_the_same_name_is_named(tmp_path: Path) -> None:
    where = folder(tmp_path / "here")
    (where / "test.py").write_text(HANDLER)
    options = {**NULL, "worker.handler": "test:title"}
    done = run(where, sys.executable, "-m", "fetcher", options=options)
    assert done.returncode == 2
    assert "has no attribute 'title' (it was found at /" in done.stderr


def setting_of(setting: str) -> dict[str, object]:
    key, _, value = setting.partition("=")
    return {key: value} if key else {}


@pytest.mark.parametrize("way", [by_command, by_api])
def test_a_handler_of_the_current_folder_is_found_among_such_names(
    tmp_path: Path, way: Callable[[Path, str, Mapping[str, str]], object]
) -> None:
    where = folder(tmp_path / "here", "fetcher.py" if way is by_api else "http.py", *STANDARD[1:])
    (where / "mine.py").write_text(HANDLER)
    assert way(where, "worker.handler=mine:title", ENV) == {"of": 1}


def test_a_handler_in_the_folder_of_the_script_is_found(tmp_path: Path) -> None:
    where = folder(tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.py").write_text(HANDLER)
    script = tmp_path / "elsewhere" / "script.py"
    script.write_text(SCRIPT.format(settings={**NULL, "worker.handler": "mine:title"}))
    done = subprocess.run(
        [sys.executable, script], cwd=where, env=ENV, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "ok {'of': 1}", done.stderr


def test_a_transport_and_an_auth_of_the_current_folder_are_found(tmp_path: Path) -> None:
    where = folder(tmp_path / "here")
    (where / "mine.py").write_text(
        "from requests.auth import AuthBase\n"
        "from fetcher.fetch.null import NullFetcher as Mine\n"
        "class Auth(AuthBase):\n    pass\n"
    )
    options = {**NULL, "worker.transport": "mine:Mine", "http.auth": "mine:Auth"}
    done = run(where, sys.executable, "-m", "fetcher", options=options)
    assert done.returncode == 0, done.stderr


def test_python_that_keeps_the_current_folder_out_is_respected(tmp_path: Path) -> None:
    where = folder(tmp_path / "here")
    (where / "mine.py").write_text(HANDLER)
    options = {**NULL, "worker.handler": "mine:title"}
    program = (sys.executable, "-m", "fetcher")
    safe = {**ENV, "PYTHONSAFEPATH": "1"}
    done = run(where, *program, options=options, env=safe)
    assert done.returncode == 2
    assert "No module named 'mine'" in done.stderr
    assert "PYTHONSAFEPATH" in done.stderr
    done = run(where, *program, options=options, env={**safe, "PYTHONPATH": str(where)})
    assert done.returncode == 0, done.stderr
    assert extra_of_the_row(where) == {"of": 1}
