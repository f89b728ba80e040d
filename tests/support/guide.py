"""The commands of docs/operations.md, each on its host: a directory, and a loopback address.

A `console` block's prompt names the host (`sink# `), or, with `<!-- on: a, b -->` above it, `# `
stands for each of these. Lines without a prompt are what is shown: `…` is any text, and alone on a
line any lines. What only shows something is tried again until it shows that.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from support.documents import matches
from support.units import Unit

HOSTS = ("desk", "ventilator", "sink", "worker-a", "worker-b")
_FENCE = re.compile(r"^(?:<!-- on: (.*) -->\n)?```console\n(.*?)^```$", re.M | re.S)
_PROMPT = re.compile(r"(?:(?P<host>[a-z-]+)[#$]|#) (?P<command>.*)")
_LOOKS = re.compile(r"(systemctl show|journalctl|curl|runuser .* (status|verify)) ?")
_LIMIT_S = 60.0
_LOOK_S = 40.0
# Where the tests need no root, no user and no second machine.
_STAND_INS = """\
systemctl() { "$PYTHON" -m support.units "$ROOT" systemctl "$@"; }
journalctl() { "$PYTHON" -m support.units "$ROOT" journalctl "$@"; }
systemd-sysusers() { grep -q '^u fetcher ' "$ROOT/etc/sysusers.d/fetcher.conf"; }
runuser() { test "$1 $2 $3" = "-u fetcher --" && shift 3 && "$@"; }
chown() { test "$1 $2" = "-R fetcher:fetcher" && shift 2 && ls "$@" >/dev/null; }
install() { command install $(printf '%s ' "$@" | sed 's/-o fetcher -g fetcher//'); }
scp() { command cp "$@"; }
"""


class Command(NamedTuple):
    """One, or several lines that show nothing, and what the guide shows of it."""

    host: str
    text: str
    shown: list[str]


def commands(guide: str) -> Iterator[Command]:
    """All of them, in order."""
    for on, text in _FENCE.findall(guide):
        found: list[tuple[str, str, list[str]]] = []
        for line in text.splitlines():
            if match := _PROMPT.fullmatch(line):
                found.append((match["host"] or "", match["command"], []))
            else:
                found[-1][2].append(line)
        for host in on.split(", ") if on else [""]:
            for name, command, shown in found:
                yield Command(host or name, command, shown)


def in_one_go(single: Iterable[Command]) -> Iterator[Command]:
    """The same, those of one host that follow each other and show nothing as one."""
    for (host, shown), group in itertools.groupby(single, lambda c: (c.host, tuple(c.shown))):
        if shown:
            yield from group
        else:
            yield Command(host, "\n".join(each.text for each in group), [])


class Hosts:
    """A directory for each host; `close` ends what still runs."""

    def __init__(self, root: Path, conf: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self._net = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}"
        self._environ = {**environ, "PYTHON": sys.executable}
        for host in HOSTS:
            home = root / host / "home"
            shutil.copytree(conf, home / "conf")
            for path in (p for p in home.rglob("*") if p.is_file()):
                path.write_text(self._translated(host, path.read_text("utf-8")), "utf-8")
            program = root / host / "opt" / "fetcher" / "bin" / "fetcher"
            program.parent.mkdir(parents=True)
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fetcher "$@"\n')
            program.chmod(0o755)
            for each in ("srv/lists", "var/lib/fetcher"):
                (root / host / each).mkdir(parents=True)

    def _translated(self, host: str, text: str) -> str:
        """Paths into the host's directory, addresses to loopback ones."""
        text = re.sub(r"root@([a-z-]+):/", rf"{self.root}/\1/", text)
        text = re.sub(r"(?<![\w/.])/(etc|var|opt|srv)/", rf"{self.root}/{host}/\1/", text)
        text = re.sub(r"\b10\.0\.0\.(\d)\b", rf"{self._net}.\1", text)
        return text.replace("127.0.0.1", f"{self._net}.{HOSTS.index(host)}")

    def run(self, command: Command) -> None:
        """On its host; it must succeed and show what it should. Raises AssertionError."""
        until = time.monotonic() + (_LOOK_S if _LOOKS.match(command.text) else 0)
        while True:
            done = self._once(command)
            well, said = done.returncode == 0, done.stdout.rstrip().splitlines()
            if well and (not command.shown or matches(command.shown, said)):
                return
            assert time.monotonic() < until, f"{command}: {done.returncode}\n{done.stdout}"
            time.sleep(0.2)

    def _once(self, command: Command) -> subprocess.CompletedProcess[str]:
        root = self.root / command.host
        script = f"set -e -o pipefail\n{_STAND_INS}{self._translated(command.host, command.text)}"
        path = f"{root}/opt/fetcher/bin:{self._environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=root / "home",
            env={**self._environ, "ROOT": str(root), "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )

    def units(self) -> Iterator[Unit]:
        """All that were ever started."""
        for host in HOSTS:
            for path in sorted((self.root / host).glob("run/*.pid")):
                yield Unit(self.root / host, path.stem)

    def close(self) -> None:
        for unit in self.units():
            if unit.pid():
                unit.stop()
