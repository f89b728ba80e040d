"""Runs one job on a cluster on this machine: starts, watches and kills its roles, and checks it.

Every process that is started here is ended here, by its own pid. The checks read the job's files
and the site that it fetched, and do not rely on what the roles report.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from fetcher.store import journal
from tools.faults.network import Namespaces, Proxies

ROOT: Final = Path(__file__).resolve().parents[2]
PROVEN_WITHIN_S: Final = 60.0
_WATCH_S: Final = 0.1
_SITE_PORT: Final = 8080

RoleArguments = Mapping[str, Sequence[str]]
# Nobody proves who they are: these networks are ours alone.
INSECURE: Final[RoleArguments] = {role: ["--insecure"] for role in ("ventilator", "sink", "worker")}


class FaultError(AssertionError):
    """The job did not do what it promises."""


class Role:
    """A process on a host, its log, and the most memory that it or a child of it has had."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log
        self.children: dict[int, psutil.Process] = {}

    def watch(self) -> int:
        """Learn of its children; peak resident bytes of the largest process of it now."""
        peak = _peak_bytes(self.process.pid)
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                self.children.setdefault(child.pid, child)
        for pid in list(self.children):
            peak = max(peak, _peak_bytes(pid))
        return peak

    def living_children(self) -> list[psutil.Process]:
        self.watch()
        return [child for child in self.children.values() if child.is_running()]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals, *, children: bool = False) -> None:
        """To the process, or to its children."""
        if children:
            for child in self.living_children():
                with contextlib.suppress(psutil.Error):
                    child.send_signal(number)
        elif self.alive:
            self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9 of it and of its children, as if its host had lost its power."""
        # Stopped first, so that it does not report its children's death, nor they its own.
        self.signal(signal.SIGSTOP)
        for child in self.living_children():
            with contextlib.suppress(psutil.Error):
                child.kill()
        self.signal(signal.SIGKILL)
        self.process.wait()

    def words(self) -> str:
        """The text of its log so far."""
        return self.log.read_text("utf-8", "replace")


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Cluster:
    """The hosts of one job."""

    def __init__(
        self,
        network: Namespaces | Proxies,
        directory: Path,
        *,
        lines: int,
        latency_ms: int,
        settings: Sequence[str] = (),
        role_arguments: RoleArguments = INSECURE,
        out: Path | None = None,
        pad_bytes: int = 0,
    ) -> None:
        """`pad_bytes`: by which each URL is longer, so that fewer lines lie in a pipe."""
        directory.mkdir(parents=True)
        self.network = network
        self.lines = lines
        self.directory = directory
        self.out = out or directory / "out"
        self.roles: dict[str, Role] = {}
        self.environments: dict[str, dict[str, str]] = {}  # by role: added to the usual ones
        self.settings_of: dict[str, list[str]] = {}  # by host: added to those of all
        self.sink_for_workers: tuple[str, int] | None = None  # where it is not the sink itself
        self.peak_bytes: Counter[str] = Counter()
        self._all: list[Role] = []
        self._starts = 0
        self._role_arguments = role_arguments
        self._settings = [
            "polite.enabled=false",
            "guard.allow=10.0.0.0/8,127.0.0.0/8",
            "retry.attempts=1",  # so that what is fetched again is handed out again
            "worker.pool_size=32",
            "job.batch_size=50",
            *settings,
        ]
        self._site = self._start_site()
        site = f"http://{network.address('site')}:{_SITE_PORT}"
        self.urls = [
            f"{site}/latency/{latency_ms}?line={n}{'&' * pad_bytes}" for n in range(1, lines + 1)
        ]
        self.urlfile = directory / "urls.txt"
        self.urlfile.write_text("".join(f"{url}\n" for url in self.urls), "ascii")
        self._watching = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    # -- processes ---------------------------------------------------------------------------

    def _start_site(self) -> subprocess.Popen[bytes]:
        address = self.network.address("site")
        command = [sys.executable, "-m", "tools.site", f"--host={address}", f"--port={_SITE_PORT}"]
        site = subprocess.Popen(
            self.network.command("site", [*command, "--until-eof"]),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert site.stdout is not None
        if not site.stdout.readline().startswith(b"ready "):
            site.kill()
            site.wait()
            raise RuntimeError(f"the site did not start at {address}:{_SITE_PORT}")
        return site

    def start(self, name: str) -> Role:
        """`ventilator`, `sink` or `worker…`, (again)."""
        kind = name.rstrip("0123456789")
        ventilator = self.network.address_of("ventilator", name)
        sink, sink_port = self.network.address_of("sink", name), 5710
        if kind == "worker" and self.sink_for_workers is not None:
            sink, sink_port = self.sink_for_workers
        if kind == "ventilator":
            ventilator = self.network.address("ventilator")
        if kind == "sink":
            sink = self.network.address("sink")
        arguments = {
            "ventilator": ["ventilator", str(self.urlfile)],
            "sink": ["sink", "-o", str(self.out)],
            "worker": ["worker", "--processes=1", "--quiet"],
        }[kind]
        arguments += [f"--ventilator=tcp://{ventilator}:5700", f"--sink=tcp://{sink}:{sink_port}"]
        settings = [*self._settings, *self.settings_of.get(name, ())]
        arguments += [f"--set={setting}" for setting in settings]
        arguments += self._role_arguments.get(kind, ())
        self._starts += 1
        log = self.directory / f"{name}.{self._starts}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                self.network.command(name, [sys.executable, "-m", "fetcher", *arguments]),
                cwd=ROOT,
                env=clean_environment() | self.environments.get(kind, {}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        role = self.roles[name] = Role(name, process, log)
        self._all.append(role)
        return role

    def start_all(self, workers: int) -> None:
        """Sink, ventilator and so many workers."""
        for name in ("sink", "ventilator", *(f"worker{n}" for n in range(1, workers + 1))):
            self.start(name)

    def _watch(self) -> None:
        while not self._watching.wait(_WATCH_S):
            for role in list(self._all):
                if role.alive:
                    kind = role.name.rstrip("0123456789")
                    self.peak_bytes[kind] = max(self.peak_bytes[kind], role.watch())

    def close(self) -> None:
        """End everything."""
        self._watching.set()
        self._watcher.join()
        for role in self._all:
            role.signal(signal.SIGCONT, children=True)
            role.kill()
        self._site.terminate()
        self._site.wait()
        for pipe in (self._site.stdin, self._site.stdout):
            assert pipe is not None
            pipe.close()

    # -- what is going on --------------------------------------------------------------------

    def committed(self) -> int:
        """Rows that the journal calls committed."""
        with contextlib.suppress(Exception):
            return journal.view(self.out / "journal.sqlite").recovered.totals.rows
        return 0

    def until(self, condition: Callable[[], object], within_s: float, what: str) -> float:
        """Wait for it; how long that took. Raises FaultError where it does not come."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                raise FaultError(f"this did not happen in time: {what}\n{self.words()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def until_committed(self, share: float, within_s: float = 60.0) -> float:
        """Wait until that share of the lines is committed."""
        return self.until(
            lambda: self.committed() >= share * self.lines, within_s, f"{share:.0%} of the rows"
        )

    def until_more(self, than: int, within_s: float, what: str) -> float:
        """Wait until more rows than these are committed."""
        return self.until(lambda: self.committed() > than, within_s, what)

    def until_said(self, name: str, words: str, within_s: float) -> float:
        """Wait until the role has said this in its log."""
        return self.until(lambda: words in self.roles[name].words(), within_s, f"{words!r}")

    def until_gone(self, role: Role, within_s: float) -> float:
        """Wait until its process has ended."""
        return self.until(lambda: not role.alive, within_s, f"{role.name} to leave")

    def hits(self) -> dict[str, int]:
        """How often each line's target has been asked for."""
        return dict(self._ask_site("/_hits"))

    def _ask_site(self, path: str) -> Any:
        address = self.network.address("site")
        connection = http.client.HTTPConnection(address, _SITE_PORT, timeout=30)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return json.load(connection.getresponse())
        finally:
            connection.close()

    def refetched(self) -> int:
        """Requests beyond the first for each line."""
        return sum(count - 1 for count in self.hits().values())

    def words(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"-- {r.log.name}: {r.words()[-600:].strip()}" for r in self._all)

    # -- the end -----------------------------------------------------------------------------

    def finish(self, within_s: float) -> None:
        """Wait until the sink and the ventilator have left in good order. Raises FaultError."""
        for name in ("sink", "ventilator"):
            role = self.roles[name]
            self.until_gone(role, within_s)
            if role.process.returncode != 0:
                raise FaultError(f"{name}: exit code {role.process.returncode}\n{self.words()}")

    def prove(self) -> None:
        """One row a line, by `fetcher verify` and by a count of our own. Raises FaultError."""
        prove(self.out, self.urlfile, self.urls)


def clean_environment() -> dict[str, str]:
    """Ours, without settings of fetcher that are not meant here."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("FETCHER_")}
    return clean | {"PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}", "COLUMNS": "200"}


def prove(out: Path, urlfile: Path, urls: Sequence[str]) -> None:
    """One row for each of these lines. Raises FaultError."""
    verdict = subprocess.run(
        [sys.executable, "-m", "fetcher", "verify", str(out), "--urls", str(urlfile)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=PROVEN_WITHIN_S,
        check=False,
    )
    if verdict.returncode != 0:
        raise FaultError(f"verify: {verdict.stdout}{verdict.stderr}")
    found: Counter[tuple[int, str]] = Counter()
    for part in sorted((out / "results").glob("part-*.jsonl")):
        for raw in part.read_bytes().splitlines():
            row = json.loads(raw)
            found[row["line"], row["url"]] += 1
    if found != Counter(enumerate(urls, 1)):
        twice = sum(count > 1 for count in found.values())
        raise FaultError(f"{len(found)} lines have rows, of {len(urls)}; {twice} more than one")


def shares(out: Path) -> Counter[str]:
    """Rows by the worker that made them."""
    found: Counter[str] = Counter()
    for part in sorted((out / "results").glob("part-*.jsonl")):
        found.update(json.loads(raw)["worker"] for raw in part.read_bytes().splitlines())
    return found
