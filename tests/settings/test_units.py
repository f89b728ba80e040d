"""The units of conf/systemd, by systemd's own verifier, and against what fetcher documents."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from fetcher.errors import Exit
from fetcher.roles.rlimits import files_needed
from fetcher.settings import load
from support.jobs import ROOT

UNITS = sorted((ROOT / "conf" / "systemd").glob("*.service"))
NAMES = [path.name for path in UNITS]
MOST_EXPOSED = 15  # tenths; systemd 252 says 1.4 of each
_PROGRAM = "/opt/fetcher/bin/fetcher"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed (apt-get install systemd): units are NOT verified",
)


def complaints(path: Path) -> list[str]:
    """The verifier's output for this unit, with a stand-in for the program to be installed."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False
    )
    return [line for line in done.stderr.splitlines() if "fetcher" in line]


def exposure(path: Path) -> subprocess.CompletedProcess[str]:
    judge = ["systemd-analyze", "security", "--no-pager", "--offline=true"]
    return subprocess.run(
        [*judge, f"--threshold={MOST_EXPOSED}", path], capture_output=True, text=True, check=False
    )


def installed(tmp_path: Path, unit: str) -> str:
    """A unit's text, for a program that is there."""
    program = tmp_path / "fetcher"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (ROOT / "conf" / "systemd" / unit).read_text("utf-8")
    assert _PROGRAM in text
    return text.replace(_PROGRAM, str(program))


def settings(unit: str) -> dict[str, str]:
    text = (ROOT / "conf" / "systemd" / unit).read_text("utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.M))


@needs_systemd
@pytest.mark.parametrize("unit", NAMES)
def test_systemd_has_nothing_to_say_against_it(tmp_path: Path, unit: str) -> None:
    path = tmp_path / unit
    path.write_text(installed(tmp_path, unit), "utf-8")
    assert complaints(path) == []
    judged = exposure(path)
    assert judged.returncode == 0, judged.stdout[-400:]


@needs_systemd
def test_the_timer_starts_its_service(tmp_path: Path) -> None:
    for unit in ("fetcher-refresh@.service", "fetcher-refresh@.timer"):
        path = tmp_path / unit
        text = (ROOT / "conf" / "systemd" / unit).read_text("utf-8")
        path.write_text(text.replace(_PROGRAM, "/bin/true"), "utf-8")
    assert complaints(path) == []
    path.write_text(text.replace("03:00:00", "25:00:00"), "utf-8")
    assert complaints(path) != []


def test_the_commands_around_a_refresh_move_the_link_once_it_is_complete(tmp_path: Path) -> None:
    """The shell lines of the unit, as systemd runs them, around a refresh that does its part."""
    found = settings("fetcher-refresh@.service")
    (tmp_path / "first").mkdir()
    (tmp_path / "latest").symlink_to("first")
    before, after = (
        shlex.split(found[name].replace("%%", "%")) for name in ("ExecStartPre", "ExecStartPost")
    )
    for _ in range(2):  # a refresh that failed goes on with the same name
        subprocess.run(before, check=True, cwd=tmp_path)
        name, _, new = (tmp_path / "next.env").read_text().strip().partition("=")
    assert name == "NEXT"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{4}", new)
    (tmp_path / new).mkdir()
    subprocess.run(after, check=True, cwd=tmp_path, env={"PATH": os.defpath, "NEXT": new})
    assert (tmp_path / "latest").resolve() == tmp_path / new
    assert not (tmp_path / "next.env").exists()


@needs_systemd
def test_the_verifier_finds_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "fetcher-worker.service"
    good = installed(tmp_path, path.name)
    for wrong in (
        good.replace("KillMode=mixed", "KillMode=gentle"),
        good.replace("NoNewPrivileges=", "NoMorePrivileges="),
        good.replace(f"{tmp_path}/fetcher ", f"{tmp_path}/missing "),
    ):
        path.write_text(wrong, "utf-8")
        assert complaints(path) != []
    path.write_text(re.sub(r"^Protect.*\n", "", good, flags=re.M), "utf-8")
    assert exposure(path).returncode != 0


@pytest.mark.parametrize("unit", NAMES)
def test_what_is_restarted_fits_the_exit_codes_and_the_limits(unit: str) -> None:
    found, default = settings(unit), load.load(None, {}).settings
    for_people = {Exit.USAGE, Exit.CONFLICT, Exit.DAMAGED}
    assert {int(code) for code in found["RestartPreventExitStatus"].split()} == for_people
    if found["Type"] == "oneshot":
        # What follows it must not run after an exit code 3, so that this is a failure.
        assert found["Restart"] == "on-failure"
        assert "SuccessExitStatus" not in found
    elif found["Restart"] == "on-failure":
        assert found["RestartForceExitStatus"] == found["SuccessExitStatus"] == f"{Exit.STOPPED:d}"
    else:
        assert found["Restart"] == "always"
    assert found["KillSignal"] == "SIGTERM"
    assert int(found["TimeoutStopSec"].removesuffix("s")) >= default.worker.grace_s + 10
    assert int(found["LimitNOFILE"]) > files_needed(default)
    assert "WatchdogSec" not in found, "fetcher does not speak to it"
