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
assert all(monkey.is_module_patched(name) for name in ("socket", "ssl", "select", "threading"))
assert metadata.entry_points is before
"""
PLUGIN = "[gevent.plugins.monkey.did_patch_all]\nmine = mine:told\n"


def test_everything_is_patched_and_plugins_can_see_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def told(event): print(type(event).__name__)\n")
    (tmp_path / "mine-1.dist-info").mkdir()
    (tmp_path / "mine-1.dist-info" / "METADATA").write_text("Name: mine\nVersion: 1\n")
    (tmp_path / "mine-1.dist-info" / "entry_points.txt").write_text(PLUGIN)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "GeventDidPatchAllEvent\n", "")
