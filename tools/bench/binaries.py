"""The command lines of curl, aria2c and wget2, how many answers were good, and their versions.

None of them reads the settings of whoever runs the benchmark. aria2c and wget2 can be given neither
an address for a name nor the port of a name server, so they take part where hosts are addresses.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.bench.cases import Server

CURL_MOST: Final = 300  # with more, curl 7 goes back to its default of 50
WITHOUT_NAMES: Final = ("aria2c", "wget2")
_VERSION: Final = re.compile(r"\d+(\.\d+)+")
_PINNED: Final = "127.0.0.1"
_OUTPUT: Final = "output"


def curl(urls: Sequence[str], folder: Path, pool: int, server: Server) -> list[object]:
    """Bodies are dropped; the status of each answer is a line of the standard output."""
    config = folder / "curl.config"
    config.write_text("".join(f'url="{url}"\noutput="/dev/null"\n' for url in urls), "utf-8")
    words: list[object] = [
        *("-q", "--silent", "--no-progress-meter", "--globoff", "--noproxy", "*"),
        *("--parallel", "--parallel-max", min(pool, CURL_MOST), "--parallel-immediate"),
        *("--max-time", server.timeout_s, "--write-out", "%{http_code}\n", "--config", config),
    ]
    if server.ca_file is not None:
        words += ["--cacert", server.ca_file]
    if server.names_port:
        words += ["--resolve", f"*:{server.port}:{_PINNED}"]
    return words


def aria2c(urls: Sequence[str], folder: Path, pool: int, server: Server) -> list[object]:
    """A file for each body, each with a name of its own: it would add a number to a name in use."""
    (folder / "bodies").mkdir()
    config = folder / "list"
    config.write_text("".join(f"{url}\n out={n}\n" for n, url in enumerate(urls)), "utf-8")
    return [
        *("--no-conf", "--quiet", "--input-file", config, "--deferred-input", "--dir"),
        *(folder / "bodies", "--max-concurrent-downloads", pool, "--file-allocation=none"),
        *("--max-tries=1", f"--timeout={server.timeout_s:.0f}", "--split=1", "--no-netrc"),
        # It pauses for a second after each refresh of its console, even a quiet one.
        *("--summary-interval=0", "--show-console-readout=false", "--max-download-result=0"),
    ]


def wget2(urls: Sequence[str], folder: Path, pool: int, server: Server) -> list[object]:
    """All bodies go one after the other to the standard output."""
    config = folder / "list"
    config.write_text("".join(f"{url}\n" for url in urls), "utf-8")
    return [
        *("--no-config", "--quiet", "--input-file", config, "--max-threads", pool),
        *("--tries=1", f"--timeout={server.timeout_s:g}", "--no-hsts", "--no-robots", "--no-proxy"),
        *("--output-document", "-"),
    ]


def versions() -> str:
    """The versions of the installed programs and of nginx: `curl 7.88.1, nginx 1.22.1`."""
    found = []
    for name in (*COMMANDS, "nginx"):
        executable = shutil.which(name)
        if executable is None:
            continue
        flag = "-v" if name == "nginx" else "--version"
        said = subprocess.run([executable, flag], capture_output=True, text=True, check=False)
        version = _VERSION.search(said.stdout + said.stderr)
        found.append(f"{name} {version[0] if version else '?'}")
    return ", ".join(found)


def _statuses(_folder: Path, output: Path, _body_bytes: int) -> int:
    return output.read_bytes().split().count(b"200")


def _files(folder: Path, _output: Path, body_bytes: int) -> int:
    return sum(path.stat().st_size == body_bytes for path in (folder / "bodies").iterdir())


def _bytes(_folder: Path, output: Path, body_bytes: int) -> int:
    return output.stat().st_size // body_bytes


Command = Callable[[Sequence[str], Path, int, Server], list[object]]
COMMANDS: Final[dict[str, Command]] = {"curl": curl, "aria2c": aria2c, "wget2": wget2}
GOOD: Final[dict[str, Callable[[Path, Path, int], int]]] = {
    "curl": _statuses,
    "aria2c": _files,
    "wget2": _bytes,
}
