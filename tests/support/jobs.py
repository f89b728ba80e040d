"""Real jobs for tests: real processes, found by their role, killed, stopped, and proven.

Every process that is started here is ended here, by its own pid.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from fetcher.input import lines
from fetcher.model import Result
from fetcher.rows import jsonl
from fetcher.store import journal
from support import commands, forking, role_forks
from support.forking import ForkedProgram

ROOT = Path(__file__).resolve().parents[2]
_NOT_INHERITED = ("FETCHER_", "PYTHONDONTWRITEBYTECODE")  # see conftest
ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)},
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
    "COLUMNS": "200",
    # The local site is ours: see conf/own-servers.toml.
    "FETCHER_POLITE__ENABLED": "false",
    "FETCHER_GUARD__ALLOW": "127.0.0.0/8",
    "FETCHER_RETRY__ATTEMPTS": "1",
    # A process costs more time than what most of these jobs do; tests of several say so.
    "FETCHER_WORKER__PROCESSES": "1",
}
_ENV_AT_START = dict(ENV)
SLOW = "support.deadly:SlowFetcher"
FAILING = "support.deadly:FailingFetcher"
DEADLY = "support.deadly:DeadlyFetcher"


PROGRAM = shlex.join([sys.executable, "-m", "fetcher"])


def command(*arguments: object) -> list[str]:
    """The program's command line."""
    return [sys.executable, "-m", "fetcher", *map(str, arguments)]


def call(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the program to its end; a command that only reads a job runs in this process."""
    given = [str(each) for each in arguments]
    if given[0] in commands.READING and not stdin:
        return commands.call(*given, folder=ROOT, environ=ENV)
    if forking.at_start(ENV) == forking.at_start(_ENV_AT_START):
        environ = {**ENV, **role_forks.variables(_ENV_AT_START)}
        done = forking.call(
            "support.program_main", *given, stdin=stdin, environ=environ, folder=ROOT
        )
    else:
        done = subprocess.run(
            command(*arguments),
            check=False,
            input=stdin,
            capture_output=True,
            cwd=ROOT,
            env=ENV,
            timeout=120,
        )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


class Running:
    """A started program. `forks`: a list of its roles if they are forked; see role_forks."""

    def __init__(
        self, process: subprocess.Popen[bytes] | ForkedProgram, forks: Path | None = None
    ) -> None:
        self.process = process
        self._forks = forks
        self.children: set[psutil.Process] = set()

    def role(self, role: str) -> list[psutil.Process]:
        """Its living child processes of a role (`worker`, `ventilator`, `sink`)."""
        return [child for child, spec in self._living() if Path(spec).name.startswith(role)]

    def _living(self) -> list[tuple[psutil.Process, str]]:
        """Its children, and the last words of their command lines, which are the specs of roles."""
        found = list(_forked_roles(self._forks)) if self._forks else []
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if child.status() != psutil.STATUS_ZOMBIE:
                        words = child.cmdline() or [""]  # none, of one that is just ending
                        found.append((child, words[-1]))
        self.children.update(child for child, _ in found)
        return found

    def kill(self, role: str) -> bool:
        """kill -9 of one process of the role; False where none lives now."""
        return self.signal(role, signal.SIGKILL)

    def signal(self, role: str, number: signal.Signals) -> bool:
        for child in self.role(role)[:1]:
            with contextlib.suppress(psutil.Error):
                child.send_signal(number)
                return True
        return False

    def wait(self, timeout_s: float = 60) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        out, error = self.process.communicate(timeout=timeout_s)
        return self.process.wait(), out.decode(), error.decode()

    def close(self) -> None:
        self._living()
        for child in self.children:
            with contextlib.suppress(psutil.Error):
                child.send_signal(signal.SIGCONT)
                child.kill()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


def _forked_roles(forks: Path) -> Iterator[tuple[psutil.Process, str]]:
    for line in forks.read_text("utf-8").splitlines():
        pid, _, spec = line.partition(" ")
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(pid))
            # Another process may have this number by now.
            if os.getpid() in (each.pid for each in process.parents()):
                yield process, spec


@contextlib.contextmanager
def running(*arguments: object, environ: Mapping[str, str] = ENV) -> Iterator[Running]:
    """A program that does not outlive the block; it and its roles are fresh interpreters."""
    process = subprocess.Popen(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environ,
    )
    job = Running(process)
    try:
        yield job
    finally:
        job.close()


@contextlib.contextmanager
def forked(*arguments: object) -> Iterator[Running]:
    """As `running`, but the program and its roles are forked, which takes less CPU time."""
    with tempfile.NamedTemporaryFile(prefix="forks-") as file:
        forks = Path(file.name)
        environ = {**ENV, **role_forks.variables(ENV, forks)}
        given = [str(each) for each in arguments]
        job = Running(ForkedProgram("support.program_main", given, environ, ROOT), forks)
        try:
            yield job
        finally:
            job.close()


def committed(out: Path) -> int:
    """Rows that the journal calls committed so far; 0 before there is one."""
    path = out / "journal.sqlite"
    if not path.exists():
        return 0
    with contextlib.suppress(Exception):
        return journal.view(path).recovered.totals.rows
    return 0


def rows(out: Path) -> list[Result]:
    """All rows in the files, whatever the journal says."""
    return [
        jsonl.decode(line)
        for part in sorted((out / "results").glob("part-*.jsonl"))
        for line in part.read_bytes().splitlines(keepends=True)
    ]


def expected(urlfile: Path) -> Counter[tuple[int, str]]:
    """Line and text of every URL line, from the plain definition of the format."""
    found: Counter[tuple[int, str]] = Counter()
    for number, raw in enumerate(urlfile.read_bytes().split(b"\n"), 1):
        text = raw.removeprefix(b"\xef\xbb\xbf").strip()
        if text and not text.startswith(b"#"):
            found[number, lines.task_of(number, text).url] += 1
    return found


def prove(out: Path | Sequence[Path], urlfile: Path) -> list[Result]:
    """Exactly one row for each line, by `fetcher verify` and by our own count of the files."""
    outs = [out] if isinstance(out, Path) else out
    verdict = call("verify", *outs, "--urls", urlfile)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    found = [row for each in outs for row in rows(each)]
    assert Counter((row.line, row.url) for row in found) == expected(urlfile)
    for each in outs:
        assert msgspec.json.decode((each / "manifest.json").read_bytes())["state"] == "complete"
    return found


def write_urls(path: Path, urls: list[str]) -> Path:
    """A URL file of these lines."""
    path.write_text("".join(f"{url}\n" for url in urls), "utf-8")
    return path
