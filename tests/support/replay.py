"""pywb, which replays an archive as it is: from its own environment (see the Makefile)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.waiting import wait_until

PROGRAM = Path(sys.prefix) / "pywb" / "bin" / "wayback"
_CONFIG = """\
collections:
  archive:
    index_paths: {bodies}/index.cdxj
    archive_paths: {bodies}/
"""


class Replayed(NamedTuple):
    """pywb's answer for a page."""

    status: int
    headers: dict[str, str]
    body: bytes


class Replay:
    """A running pywb."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/archive"
        self._open = urllib.request.build_opener(_Stay(), urllib.request.ProxyHandler({})).open

    def get(self, url: str) -> Replayed:
        """The page as it was archived (id_), redirects not followed."""
        try:
            with self._open(f"{self._base}/2id_/{url}", timeout=30) as answer:
                return Replayed(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Replayed(error.code, dict(error.headers), error.read())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@contextlib.contextmanager
def replaying(out: Path, folder: Path) -> Iterator[Replay]:
    """pywb with what OUT has kept, as long as the block lasts."""
    if not PROGRAM.exists():
        pytest.skip(f"pywb is not installed: make {Path(sys.prefix).name}/pywb/.installed")
    folder.mkdir()
    (folder / "config.yaml").write_text(_CONFIG.format(bodies=out / "bodies"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    log = folder / "log"
    with log.open("wb") as file:
        command = [str(PROGRAM), "-b", "127.0.0.1", "-p", str(port), "-d", str(folder)]
        process = subprocess.Popen(command, stdout=file, stderr=file, cwd=folder)
    try:
        wait_until(lambda: _answers(port, process), 60, f"pywb: {log}")
        yield Replay(port)
    finally:
        process.kill()
        process.wait()


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "pywb has ended"
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
