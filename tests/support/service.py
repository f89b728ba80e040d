"""Programs that run during a test, each with its log in a file."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil


class Service:
    """The running program."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str], words: Sequence[str]):
        self.log = folder / f"{name}-{len(list(folder.glob(f'{name}-*.log')))}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environ,
            )

    @property
    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text("utf-8", "replace")

    def has_logged(self, words: str) -> bool:
        """Whether its log contains these words."""
        return words in self.text

    def kill(self) -> None:
        """kill -9 of this process alone."""
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 30) -> int:
        """Ask it to leave in order; its exit code."""
        self.process.terminate()
        return self.process.wait(within_s)


@contextlib.contextmanager
def service(
    name: str, folder: Path, environ: Mapping[str, str], words: Sequence[str]
) -> Iterator[Service]:
    """Start the program; it and its children do not outlive the block."""
    running = Service(name, folder, environ, words)
    try:
        yield running
    finally:
        end_family(running.process)


def end_family(started: subprocess.Popen[bytes]) -> None:
    """kill -9 of a process and of all processes below it."""
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(started.pid)
        for process in [*family.children(recursive=True), family]:
            with contextlib.suppress(psutil.Error):
                process.kill()
    started.wait()
