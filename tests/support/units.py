"""`python -m support.units ROOT systemctl …`: a stand-in for the parts of systemd in the guide.

ROOT is a host's root directory. A unit's ExecStart is run as the unit says, in its environment,
with its stop signal; nothing is confined and nothing is started again.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

_STOP_S = 45.0
# What it wrote is in .log, its process in .pid, and its exit code, once there is one, in .code.
_RUN = '"$@" >/dev/null 2>>"$0.log" </dev/null & echo $! >"$0.pid"; wait $!; echo $? >"$0.code"'


class Unit:
    """A service of a host."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name.removesuffix(".service")
        self._root = root
        self._state = root / "run" / self.name
        self._state.parent.mkdir(exist_ok=True)
        template, _, self._instance = self.name.partition("@")
        file = f"{template}@.service" if self._instance else f"{template}.service"
        self._path = root / "etc" / "systemd" / "system" / file

    def settings(self, key: str) -> list[str]:
        """All values of a key, in order."""
        found = []
        for line in self._path.read_text("utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and name == key:
                found.append(value.replace("%i", self._instance))
        return found

    def _environment(self) -> dict[str, str]:
        pairs = [word for line in self.settings("Environment") for word in shlex.split(line)]
        for file in self.settings("EnvironmentFile"):
            path = Path(file.removeprefix("-"))
            if path.exists() or not file.startswith("-"):
                pairs += path.read_text("utf-8").split()
        return dict(pair.split("=", 1) for pair in pairs)

    def start(self) -> None:
        if self.pid():
            return
        environment = self._environment()
        (line,) = self.settings("ExecStart")
        for name, text in environment.items():
            line = line.replace(f"${{{name}}}", text)
        self._state.with_name(f"{self.name}.code").unlink(missing_ok=True)
        self._state.with_name(f"{self.name}.pid").unlink(missing_ok=True)
        subprocess.Popen(
            ["bash", "-c", _RUN, str(self._state), *shlex.split(line)],
            env={**os.environ, **environment},
            cwd=self._root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while not self._read("pid") and time.monotonic() < until:
            time.sleep(0.01)

    def stop(self) -> None:
        pid = self.pid()
        if pid:
            (name,) = self.settings("KillSignal")
            os.kill(pid, signal.Signals[name])
        until = time.monotonic() + _STOP_S
        while self.pid():
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                sys.exit(f"{self.name} did not stop and was killed")
            time.sleep(0.02)

    def pid(self) -> int:
        """The pid of its process; 0 if it does not run."""
        return int(self._read("pid") or 0) if not self._read("code") else 0

    def code(self) -> str:
        return self._read("code") or "0"

    def log(self) -> str:
        return self._read("log")

    def _read(self, what: str) -> str:
        path = self._state.with_name(f"{self.name}.{what}")
        return path.read_text("utf-8").strip() if path.exists() else ""


def main(root: Path, program: str, *words: str) -> int:
    """See the module docstring."""
    names = [word for word in words if not word.startswith("-")]
    if program == "journalctl":
        sys.stdout.write(Unit(root, names[0]).log() + "\n")
        return 0
    verb, *units = names
    for unit in (Unit(root, name) for name in units if name != "ExecMainStatus"):
        match verb:
            case "start":
                unit.start()
            case "enable" if "--now" in words:
                unit.start()
            case "stop":
                unit.stop()
            case "disable" if "--now" in words:
                unit.stop()
            case "is-active":
                return 0 if unit.pid() else 3
            case "show":
                sys.stdout.write(unit.code() + "\n")
            case "enable" | "disable":
                assert unit.settings("WantedBy"), f"{unit.name} cannot be enabled"
            case _:
                sys.exit(f"what is systemctl {verb}?")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
