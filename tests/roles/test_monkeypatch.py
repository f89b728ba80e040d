"""Monkey patching, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.jobs import ROOT

PROGRAM = """
from importlib import metadata
before = metadata.entry_points
from fetcher.roles.monkeypatch import patch_all
patch_all()
from gevent import monkey
names = ("socket", "ssl", "select", "subprocess", "threading")
assert all(monkey.is_module_patched(name) for name in names)
assert metadata.entry_points is before
"""
IN_PARTS = """
import sys
from fetcher.roles.monkeypatch import patch_most, patch_rest
patch_most()
from gevent import monkey
assert all(monkey.is_module_patched(name) for name in ("socket", "select", "signal", "threading"))
assert not {"ssl", "subprocess"} & sys.modules.keys()
patch_rest()
import ssl, subprocess
assert ssl.SSLSocket.__module__ == "gevent.ssl"
assert subprocess.Popen.__module__ == "gevent.subprocess"
"""
PLUGIN = "[gevent.plugins.monkey.did_patch_all]\nmine = mine:told\n"


def test_everything_is_patched_and_plugins_can_see_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def told(event): print(type(event).__name__)\n")
    (tmp_path / "mine-1.dist-info").mkdir()
    (tmp_path / "mine-1.dist-info" / "METADATA").write_text("Name: mine\nVersion: 1\n")
    (tmp_path / "mine-1.dist-info" / "entry_points.txt").write_text(PLUGIN)
    assert ended(PROGRAM, tmp_path) == (0, "GeventDidPatchAllEvent\n", "")


def test_tls_and_subprocesses_are_patched_only_when_asked_for(tmp_path: Path) -> None:
    assert ended(IN_PARTS, tmp_path) == (0, "", "")


def ended(program: str, folder: Path) -> tuple[int, str, str]:
    """The exit code of a Python program that warnings end, and its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PYTHONPATH": f"{ROOT}:{folder}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
